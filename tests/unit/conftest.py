"""What several unit tests share."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from lakehouse.distance.google_routes import Google
from lakehouse.http_session import external_session
from lakehouse.settings import Settings


@pytest.fixture
def google(httpserver: HTTPServer) -> Iterator[Google]:
    settings = Settings(api_key_maps=SecretStr("AIzaFictive"), maps_url=httpserver.url_for("/"))
    with external_session() as session:
        yield Google(settings, session)
