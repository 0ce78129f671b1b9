"""The Thrift server starts with its gate, whatever its tuning is, and with a new password of the views' owner."""

import hashlib
import re
from pathlib import Path

import pytest

from lakehouse.errors import NotReady
from lakehouse.gold.views import load_views
from lakehouse.serving.owner_login import create_owner_password, read_owner_password
from lakehouse.serving.server import VIEW_DIGESTS, prepare, render_spark_conf, render_view_digests
from lakehouse.settings import ROOT, Settings

PLAIN_TUNING = ROOT / "tests" / "benchmarks" / "plain"


@pytest.mark.parametrize("tuning", [ROOT / "spark", PLAIN_TUNING])
def test_statements_are_checked_whatever_the_tuning_is(tmp_path: Path, tuning: Path) -> None:
    lines = render_spark_conf(Settings(tuning_dir=tuning), tmp_path).splitlines()
    settings = (re.split(r"[=\s]+", line, maxsplit=1) for line in lines if line and not line.startswith("#"))
    conf = dict(settings)  # the last one wins
    assert conf["spark.sql.extensions"].endswith(",lakehouse.serving.GateExtension")
    assert conf["spark.sql.variable.substitute"] == "false"


def test_server_runs_our_main_class_with_a_password_and_the_views_of_this_version(tmp_path: Path) -> None:
    settings = Settings(
        thrift_owner_file=tmp_path / "run" / "owner", access_journal_dir=tmp_path / "access", lake_uri="/some/lake"
    )
    command = prepare(settings, tmp_path / "catalog")
    assert command[command.index("--class") + 1] == "lakehouse.serving.GuardedThriftServer"
    assert (tmp_path / "catalog" / VIEW_DIGESTS).read_text(encoding="ascii") == render_view_digests(settings)
    password = read_owner_password(settings.thrift_owner_file)
    assert password not in " ".join(command)
    assert (tmp_path / "access").stat().st_mode & 0o777 == 0o750
    prepare(settings, tmp_path / "catalog")
    assert read_owner_password(settings.thrift_owner_file) != password


def test_view_digests_are_of_the_text_that_the_server_stores() -> None:
    settings = Settings(lake_uri="/some/lake", access_journal_dir=Path("/some/journal"))
    digests = render_view_digests(settings).splitlines()
    views = load_views("/some/lake", journal="/some/journal")
    assert digests == [hashlib.sha256(view.query.strip().encode()).hexdigest() for view in views]
    other = settings.model_copy(update={"lake_uri": "/other/lake", "access_journal_dir": Path("/other/journal")})
    assert not {*digests} & {*render_view_digests(other).splitlines()}


def test_owners_password_is_long_and_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "owner"
    create_owner_password(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(read_owner_password(file)) >= 40
    assert [*tmp_path.iterdir()] == [file]


def test_password_of_a_server_that_never_started_is_an_error_with_its_file(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"owner cannot be read .*the Thrift server writes it at its start"):
        read_owner_password(tmp_path / "owner")
