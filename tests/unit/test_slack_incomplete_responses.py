"""An incomplete response from Slack is retried, and the secret webhook URL is never shown."""

import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from lakehouse.http_session import external_session
from lakehouse.slack import webhook
from support.fake_slack import Answer, FakeSlack, close_without_response, reset_connection, send_half_response

POST_PROGRAM = """
import sys
from lakehouse import logs
from lakehouse.http_session import external_session
from lakehouse.slack import webhook
logs.configure(level="DEBUG")
with external_session() as session:
    print([webhook.post(session, url, "Bravo").text for url in sys.argv[1:]])
"""


@pytest.mark.parametrize(
    ("end_connection", "message"),
    [
        (close_without_response, "RemoteDisconnected"),
        (reset_connection, "ConnectionResetError"),
        (send_half_response, "IncompleteRead"),
    ],
)
def test_message_with_an_incomplete_slack_response_is_retried(
    end_connection: Callable[[socket.socket], None], message: str
) -> None:
    with FakeSlack(lambda _: Answer(end=end_connection)) as slack, external_session() as session:
        assert webhook.post(session, slack.url, "Bravo") == webhook.SlackResponse("retry", message)
    assert slack.posted == 1


def test_logs_do_not_show_the_webhook_url() -> None:
    with FakeSlack() as accepting, FakeSlack(lambda _: Answer(end=reset_connection)) as resetting:
        command = [sys.executable, "-c", POST_PROGRAM, accepting.url, resetting.url]
        completed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert completed.stdout == "['200 ok', 'ConnectionResetError']\n"
    assert "SECRET" in accepting.url
    assert "SECRET" not in completed.stderr
