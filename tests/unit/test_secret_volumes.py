"""Law: compose's passwords are random, each in its volume; one of .env wins, and what is there stays."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from lakehouse.errors import NotReady
from lakehouse.local.secret_volumes import NAMES, write_volumes
from lakehouse.settings import Settings

NOTHING_NAMED = Settings(_env_file=None)  # type: ignore[call-arg]


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name.replace("_", "-")).mkdir()
    return tmp_path


def values(volumes: Path) -> dict[str, str]:
    return {path.parent.name: path.read_text(encoding="utf-8") for path in volumes.glob("*/*")}


def test_first_start_makes_each_password_and_later_ones_change_none(volumes: Path) -> None:
    write_volumes(volumes, NOTHING_NAMED)
    first = values(volumes)
    assert len(first) == len({*first.values()}) == len(NAMES)
    assert min(map(len, first.values())) >= 40
    assert {path.name for path in volumes.glob("*/*")} == {"value"}
    identities = {path: path.stat().st_ino for path in volumes.glob("*/value")}
    write_volumes(volumes, NOTHING_NAMED.model_copy(update={"db_reader_password": SecretStr("")}))
    assert values(volumes) == first
    assert {path: path.stat().st_ino for path in volumes.glob("*/value")} == identities


def test_password_that_is_named_later_is_in_its_volume_and_stays_when_it_is_named_no_more(volumes: Path) -> None:
    write_volumes(volumes, NOTHING_NAMED)
    before = values(volumes)
    write_volumes(volumes, NOTHING_NAMED.model_copy(update={"db_worker_password": SecretStr("it's $1 é")}))
    assert values(volumes) == {**before, "db-worker-password": "it's $1 é"}
    write_volumes(volumes, NOTHING_NAMED)
    assert values(volumes)["db-worker-password"] == "it's $1 é", "Postgres has it"


def test_value_is_readable_by_the_users_of_other_images(volumes: Path) -> None:
    """A service of another user has the volume, and nobody else has it."""
    write_volumes(volumes, NOTHING_NAMED)
    assert {path.stat().st_mode & 0o777 for path in volumes.glob("*/value")} == {0o444}


def test_volume_that_is_not_mounted_is_named(volumes: Path) -> None:
    (volumes / "db-password").rmdir()
    with pytest.raises(NotReady, match="db-password/value cannot be written"):
        write_volumes(volumes, NOTHING_NAMED)
