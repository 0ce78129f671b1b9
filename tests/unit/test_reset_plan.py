"""Law: a reset deletes what this project wrote into this checkout's lake. All else is named and left."""

import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from lakehouse.cdc.lake_identity import IDENTITY_FILE, claim, read_or_create_lake_id, read_owner
from lakehouse.errors import LakehouseError, SourceMismatch, UsageError
from lakehouse.local import __main__ as local
from lakehouse.local.reset_plan import find_lake_folder, plan_lake
from lakehouse.settings import Settings
from lakehouse.source.own_postgres import ensure_own_postgres, read_data_identifier

OWNER = "/checkout/.local"


def make_table(path: Path) -> Path:
    (path / "_delta_log").mkdir(parents=True)
    (path / "part-0.zstd.parquet").touch()
    (path / ".part-0.zstd.parquet.crc").touch()
    (path / "employee=1").mkdir()
    return path


def make_lake(root: Path, owner: str = OWNER) -> Path:
    read_or_create_lake_id(root, owner)
    for name in ("lakehouse_format", "lakehouse_mark"):
        (root / name).touch()
    for table in ("bronze/rh_employees", "silver/quarantine", "gold/prime_sportive"):
        make_table(root / table)
    return root


def relative(paths: list[Path], root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in paths}


@pytest.mark.parametrize("is_default", [True, False])
def test_lake_of_this_checkout_is_deleted_whole(tmp_path: Path, is_default: bool) -> None:
    lake = make_lake(tmp_path)
    (lake / ".gitkeep").touch()
    plan = plan_lake(lake, owner=OWNER, is_default=is_default)
    assert plan.leave == []
    assert relative(plan.delete, lake) == {
        "bronze", "silver", "gold", IDENTITY_FILE, "lakehouse_format", "lakehouse_mark"
    }  # fmt: skip


def test_what_somebody_else_put_into_the_lake_is_left_with_the_identity(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    (lake / "thesis").mkdir()
    (lake / "thesis.docx").touch()
    (lake / "bronze" / "thesis.docx").touch()
    (lake / "bronze" / "their_csvs").mkdir()
    (lake / "bronze" / "their_csvs" / "a.csv").touch()
    (lake / "gold" / "prime_sportive" / "notes.xlsx").touch()
    (lake / "silver" / "link").symlink_to(tmp_path)
    (lake / "lakehouse_id.backup").touch()
    plan = plan_lake(lake, owner=OWNER, is_default=True)
    assert relative(plan.leave, lake) == {
        "thesis", "thesis.docx", "bronze/thesis.docx", "bronze/their_csvs", "gold/prime_sportive", "silver/link",
        "lakehouse_id.backup",
    }  # fmt: skip
    assert relative(plan.delete, lake) == {
        "bronze/rh_employees", "silver/quarantine", "lakehouse_format", "lakehouse_mark"
    }  # fmt: skip


@pytest.mark.parametrize(("owner", "is_default"), [("/other/.local", True), ("/other/.local", False), ("", False)])
def test_lake_of_another_checkout_or_of_nobody_is_left(tmp_path: Path, owner: str, is_default: bool) -> None:
    lake = make_lake(tmp_path, owner)
    plan = plan_lake(lake, owner=OWNER, is_default=is_default)
    assert plan.delete == []
    assert relative(plan.leave, lake) == {path.name for path in lake.iterdir()}


def test_folder_without_an_identity_is_left_but_at_the_default_place(tmp_path: Path) -> None:
    (tmp_path / "silver" / "half").mkdir(parents=True)
    make_table(tmp_path / "bronze" / "rh_employees")
    assert plan_lake(tmp_path, owner=OWNER, is_default=False).delete == []
    assert relative(plan_lake(tmp_path, owner=OWNER, is_default=True).delete, tmp_path) == {"bronze", "silver"}


def test_unfinished_table_goes_at_the_default_place_alone(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    (lake / "silver" / "half").mkdir()
    assert relative(plan_lake(lake, owner=OWNER, is_default=False).leave, lake) == {"silver/half"}
    assert plan_lake(lake, owner=OWNER, is_default=True).leave == []


def test_lake_that_does_not_exist_has_nothing_to_delete(tmp_path: Path) -> None:
    plan = plan_lake(tmp_path / "none", owner=OWNER, is_default=False)
    assert (plan.delete, plan.leave) == ([], [])


def test_new_lake_is_claimed_and_one_with_an_identity_or_tables_is_not(tmp_path: Path) -> None:
    claim(tmp_path / "new", OWNER)
    lake_id = read_or_create_lake_id(tmp_path / "new")
    assert read_owner(tmp_path / "new") == OWNER
    assert "\n" not in lake_id
    claim(tmp_path / "new", "/other/.local")
    assert (read_owner(tmp_path / "new"), read_or_create_lake_id(tmp_path / "new")) == (OWNER, lake_id)
    make_table(tmp_path / "theirs" / "bronze" / "table")
    claim(tmp_path / "theirs", OWNER)
    assert read_owner(tmp_path / "theirs") is None
    read_or_create_lake_id(tmp_path / "unclaimed")
    claim(tmp_path / "unclaimed", OWNER)
    assert read_owner(tmp_path / "unclaimed") is None


@pytest.mark.parametrize(
    ("lake_uri", "problem"),
    [
        ("/", "a folder around it"),
        ("//", "a folder around it"),
        (".", "is the checkout"),
        ("", "is the checkout"),
        ("{checkout}", "is the checkout"),
        ("{parent}", "a folder around it"),
        ("..", "`..`"),
        ("../lake", "`..`"),
        ("data/../../lake", "`..`"),
        ("{parent}/x/../home", "`..`"),
        ("{home}", "is a home folder"),
        ("{home}/", "is a home folder"),
        ("{home}/..", "`..`"),
        ("{parent}/link", "is or crosses a link"),
        ("{parent}/link/lake", "is or crosses a link"),
        ("data/link", "is or crosses a link"),
        ("file", "is no folder"),
    ],
)
def test_folder_that_holds_more_than_a_lake_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lake_uri: str, problem: str
) -> None:
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    (checkout / "data").mkdir(parents=True)
    home.mkdir()
    (checkout / "file").touch()
    (tmp_path / "link").symlink_to(home)
    (checkout / "data" / "link").symlink_to(home)
    monkeypatch.setenv("HOME", str(home))
    text = lake_uri.format(checkout=checkout, parent=tmp_path, home=home)
    with pytest.raises(UsageError) as refused:
        find_lake_folder(text, checkout)
    first, second = str(refused.value).splitlines()
    assert problem in first
    assert "Nothing was stopped or deleted." in first
    assert "LAKE_URI" in second


def test_folder_of_its_own_may_be_reset_and_a_store_is_none(tmp_path: Path) -> None:
    assert find_lake_folder("data/delta", tmp_path) == tmp_path / "data" / "delta"
    assert find_lake_folder("data/delta/", tmp_path) == tmp_path / "data" / "delta"
    assert find_lake_folder(str(tmp_path / "lac d'été"), tmp_path / "checkout") == tmp_path / "lac d'été"
    assert find_lake_folder("s3a://bucket/lake", tmp_path) is None


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Return a stack whose services are a list of calls, in a folder of its own."""
    home = tmp_path / ".local"
    (home / "postgres" / "data").mkdir(parents=True)
    (home / "jars").mkdir()
    monkeypatch.setattr(local, "LOCAL_HOME", home)
    monkeypatch.setattr(local, "ROOT", tmp_path)
    return Mock(owner=str(home), settings=Mock(lake_uri="data/delta", lake=str(tmp_path / "data/delta")))


@pytest.mark.parametrize("lake_uri", ["/", "..", ".", "data/../..", "link"])
def test_refused_reset_stops_and_deletes_nothing(tmp_path: Path, stack: Mock, lake_uri: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / ".local")
    stack.settings.lake_uri = lake_uri
    with pytest.raises(UsageError):
        local.reset(stack, [])
    stack.down.assert_not_called()
    assert (tmp_path / ".local" / "postgres" / "data").is_dir()


def test_reset_deletes_data_and_lake_and_leaves_the_downloads(tmp_path: Path, stack: Mock) -> None:
    make_lake(tmp_path / "data" / "delta", stack.owner)
    local.reset(stack, [])
    stack.down.assert_called_once()
    assert [*(tmp_path / "data" / "delta").iterdir()] == []
    assert [path.name for path in (tmp_path / ".local").iterdir()] == ["jars"]


def test_reset_that_leaves_something_names_it_and_fails(tmp_path: Path, stack: Mock) -> None:
    lake = make_lake(tmp_path / "data" / "delta", stack.owner)
    (lake / "thesis.docx").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".local" / "logs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LakehouseError, match=r"\.local/logs.*thesis\.docx|thesis\.docx.*\.local/logs"):
        local.reset(stack, [])
    assert (lake / "thesis.docx").exists()
    assert (tmp_path / "elsewhere").is_dir()
    assert not (lake / "bronze").exists()
    assert not (tmp_path / ".local" / "postgres").exists()
    with pytest.raises(LakehouseError):  # a second reset knows the lake still
        local.reset(stack, [])


def test_reset_names_a_lake_in_a_store(stack: Mock) -> None:
    stack.settings.lake_uri = stack.settings.lake = "s3a://bucket/lake"
    with pytest.raises(LakehouseError, match="s3a://bucket/lake"):
        local.reset(stack, [])


@pytest.mark.parametrize("was_up", [True, False])
def test_ctrl_c_during_a_start_stops_what_was_started_and_no_running_stack(was_up: bool) -> None:
    stack = Mock()
    stack.is_up.return_value = was_up
    stack.up.side_effect = KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        local.COMMANDS["up"][0](stack, [])
    assert stack.down.called != was_up


def test_postgres_of_another_stack_is_refused_before_the_first_write(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, postgres_data_dir=tmp_path, db_host="localhost")  # type: ignore[call-arg]
    conn = Mock()
    conn.execute.return_value.fetchone.return_value = (7_000_000_000_000_000_001,)
    ensure_own_postgres(conn, settings)  # this checkout has no Postgres
    (tmp_path / "global").mkdir()
    (tmp_path / "global" / "pg_control").write_bytes((7_000_000_000_000_000_001).to_bytes(8, sys.byteorder) + b"more")
    ensure_own_postgres(conn, settings)
    conn.execute.return_value.fetchone.return_value = (7_000_000_000_000_000_002,)
    with pytest.raises(SourceMismatch, match=r"another stack's\. Nothing was written"):
        ensure_own_postgres(conn, settings)
    ensure_own_postgres(conn, settings.model_copy(update={"db_host": "postgres.example.org"}))
    (tmp_path / "global" / "pg_control").write_bytes(b"1234567")
    assert read_data_identifier(tmp_path) is None
