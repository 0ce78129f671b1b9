"""The journal of access of a command: one line each, without values, in a file that is deleted after a stated time."""

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from lakehouse.access_journal import AccessJournal, create_journal_folder, mask_values, open_journal
from lakehouse.errors import BadInput, NotReady
from lakehouse.settings import Settings

NOON = datetime(2026, 11, 30, 12, 0, 0, 125_000, tzinfo=timezone.utc)
COMMAND = ["scripts/Jobs_Spark/explain_employee.py", "--employee", "59019", "--as-of=2026-06-30"]
TODAYS = "explain_employee-2026-11-30.jsonl"
APPEND_A_LINE = """
import sys
from pathlib import Path
from lakehouse.access_journal import AccessJournal
AccessJournal(Path(sys.argv[1]), "explain_employee", 180).append({"rows": 1})
"""


def journal(folder: Path, at: datetime = NOON, *, max_bytes: int = 1 << 20) -> AccessJournal:
    return AccessJournal(folder, "explain_employee", 180, clock=lambda: at, max_bytes=max_bytes)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_command_has_one_line_of_its_user_time_and_options_without_values(tmp_path: Path) -> None:
    with journal(tmp_path).record(COMMAND) as access:
        access.rows = 12
    [line] = lines(tmp_path / TODAYS)
    assert line.pop("id")
    assert line.pop("user")
    assert line.pop("seconds") >= 0
    assert line == {
        "at": "2026-11-30T12:00:00.125Z",
        "event": "command",
        "session": None,
        "role": None,
        "client": None,
        "asked": "explain_employee --employee ? --as-of=?",
        "views": [],
        "outcome": "answered",
        "condition": None,
        "rows": 12,
    }


@pytest.mark.parametrize(
    ("error", "outcome", "condition"),
    [
        (BadInput("Salarié 59019 : absent"), "failed", "BadInput"),
        (ValueError("52770"), "failed", "ValueError"),
        (KeyboardInterrupt(), "cut", None),
        (SystemExit(1), "cut", None),
    ],
)
def test_command_that_ends_otherwise_has_its_line_and_no_text_of_the_error(
    tmp_path: Path, error: BaseException, outcome: str, condition: str | None
) -> None:
    with pytest.raises(type(error)), journal(tmp_path).record(COMMAND):
        raise error
    [line] = lines(tmp_path / TODAYS)
    assert (line["outcome"], line["condition"], line["rows"]) == (outcome, condition, 0)
    assert "59019" not in (tmp_path / TODAYS).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("command", "masked"),
    [
        (["/a b/explain_employee.py", "--employee", "59019"], "explain_employee --employee ?"),
        (["x.py", "--as-of=2026-06-30", "--known-at", "2026-07-01"], "x --as-of=? --known-at ?"),
        (["x.py", "Juliette Mendes", "-5", "12 rue\nde là"], "x ? ? ?"),
        (["x.py", "--nom=a=b\n--c"], "x --nom=?"),
        (["x.py", "-n", "3"], "x ? ?"),
        (["x.py"], "x"),
        ([""], ""),
    ],
)
def test_each_value_of_a_command_line_is_a_question_mark(command: list[str], masked: str) -> None:
    assert mask_values(command) == masked


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_file_is_for_its_owner_and_group_whatever_the_umask_is(tmp_path: Path, umask: int) -> None:
    subprocess.run([sys.executable, "-c", APPEND_A_LINE, tmp_path / "a"], umask=umask, check=True)
    [file] = (tmp_path / "a").iterdir()
    assert file.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o750


def test_folder_that_exists_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o2770)
    create_journal_folder(tmp_path)
    assert tmp_path.stat().st_mode & 0o7777 == 0o2770


def test_each_day_and_each_full_file_has_the_next_one(tmp_path: Path) -> None:
    for day in range(2):
        for number in range(5):
            journal(tmp_path, NOON + timedelta(days=day), max_bytes=25).append({"day": day, "number": number})
    found = {path.name: [line["number"] for line in lines(path)] for path in tmp_path.iterdir()}
    assert found == {
        f"explain_employee-2026-{day}{part}.jsonl": numbers
        for day in ("11-30", "12-01")
        for part, numbers in (("", [0, 1]), (".1", [2, 3]), (".2", [4]))
    }


def test_files_past_their_days_are_deleted_whoever_wrote_them_and_no_other_file(tmp_path: Path) -> None:
    recent = ["thrift-2026-06-03.jsonl", "thrift-2026-06-03.12.jsonl", "notes.txt", "thrift-2020.jsonl", ".open"]
    old = ["thrift-2026-06-02.jsonl", "thrift-2026-06-02.12.jsonl", "explain_employee-2025-12-31.jsonl"]
    for name in (*recent, *old):
        (tmp_path / name).touch()
    journal(tmp_path).append({})
    assert {path.name for path in tmp_path.iterdir()} == {*recent, TODAYS}


def test_line_after_a_torn_one_is_whole(tmp_path: Path) -> None:
    (tmp_path / TODAYS).write_bytes(b'{"rows": 1}\n{"row')
    journal(tmp_path).append({"rows": 2})
    journal(tmp_path).append({"rows": 3})
    assert (tmp_path / TODAYS).read_bytes() == b'{"rows": 1}\n{"row\n{"rows": 2}\n{"rows": 3}\n'


def test_nothing_is_shown_where_its_line_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(NotReady, match="ACCESS_JOURNAL_DIR"), journal(blocked).record(COMMAND):
        pytest.fail("the command ran")


def test_journal_of_the_settings_has_their_folder_and_days(tmp_path: Path) -> None:
    (tmp_path / "thrift-2001-01-01.jsonl").touch()
    open_journal(Settings(access_journal_dir=tmp_path, access_journal_days=3_650), "x").append({})
    [file] = tmp_path.iterdir()
    assert file.name.startswith("x-")
