"""Law: an argument outside its range ends each entry point with two lines and exit code 2, before anything else."""

import argparse
import contextlib
import importlib
import io
import re
import runpy
import sys
from collections.abc import Callable
from functools import cache

import pytest

from lakehouse.arguments import (
    DAY_OF_DATA,
    REFRESH_INTERVAL,
    SHARE,
    WAIT_S,
    Duration,
    Line,
    Number,
    Parser,
    PathName,
    WholeNumber,
)
from lakehouse.settings import ROOT

SCRIPTS = {
    str(path.relative_to(ROOT)): path
    for folder in ("Jobs_Spark", "ETL_Full_Load")
    for path in sorted((ROOT / "scripts" / folder).glob("[a-z]*.py"))
}
MODULES = ("lakehouse.simulator.cli", "lakehouse.simulator.sample_company", "lakehouse.local.preflight")
PROGRAMS = (*SCRIPTS, *MODULES)
# No number is one of these. The last ones are digits that int() takes, and no program else.
NO_NUMBERS = (
    "nan", "inf", "-inf", "Infinity", "9" * 400, "-" + "9" * 400, "1e400", "-1", "-0.5", "", " ", "x", "0x10", "1_0",
    "+5", " 5", "５", "٥", "5\n", "--", "None",
)  # fmt: skip
NO_LINES = ("", " ", "\n", "a\nb", "a\0b", "x" * 5_000)
NO_SCENARIOS = ("", " ", "9" * 400, "a'b", "a b", "5\n", "--")
TEXT_OPTIONS = {"--why", "--destination", "--name"}
PATH_OPTIONS = {"--catalog", "--folder", "--input", "--out"}


class ParsedError(BaseException):
    """The arguments were accepted."""


@pytest.fixture(autouse=True)
def stop_after_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    parse_args = argparse.ArgumentParser.parse_args

    def parse_and_stop(self: argparse.ArgumentParser, *arguments: object) -> None:
        parse_args(self, *arguments)  # type: ignore[call-overload]
        raise ParsedError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_and_stop)


@cache
def _main(program: str) -> Callable[[], object]:
    if program in MODULES:
        module = importlib.import_module(program)
        main: Callable[[], object] = module.main
        return main
    namespace_main: Callable[[], object] = runpy.run_path(str(SCRIPTS[program]))["main"]
    return namespace_main


def run(program: str, *arguments: str) -> tuple[int | None, str, str]:
    """Return the exit code, None where the arguments were accepted, with the output."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", ["program", *arguments])
        try:
            _main(program)()
        except ParsedError:
            return None, out.getvalue(), err.getvalue()
        except SystemExit as exited:
            return int(exited.code or 0), out.getvalue(), err.getvalue()
    raise AssertionError("the program parses its arguments first")


@cache
def _options(program: str) -> dict[str, str]:
    """Return the options of a program that take a value, with the name of the value in its help."""
    usage = run(program, "--help")[1].split("\n\n", maxsplit=1)[0]
    return dict(re.findall(r"(--[a-z-]+) ([A-Z{][^\]\s]*)", usage))


@pytest.mark.parametrize("program", PROGRAMS)
def test_value_outside_its_range_is_two_lines_and_exit_code_2(program: str) -> None:
    for option, value_name in _options(program).items():
        refused: tuple[str, ...] = (
            NO_LINES if option in TEXT_OPTIONS else NO_LINES[:3] if option in PATH_OPTIONS else NO_NUMBERS
        )
        refused = NO_SCENARIOS if option == "--scenario" else refused
        for value in refused:
            code, _, err = run(program, option, value)
            assert (code, len(err.splitlines())) == (2, 2), (option, value_name, value, err)
            assert option in err.splitlines()[0], (value, err)
            assert len(err) < 1_000, (option, err)


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("scripts/Jobs_Spark/maintain.py", ["--days", "30", "--wait", "0.5"]),
        ("scripts/Jobs_Spark/reconcile.py", ["--table", "rh_employees", "--show", "0", "--wait", "604800"]),
        (
            "scripts/Jobs_Spark/refuse_change.py",
            ["--table", "rh_employees", "--offset", "0", "--why", " montre cassée "],
        ),
        ("scripts/Jobs_Spark/explain_employee.py", ["--employee", "59019", "--as-of", "2026-06-30"]),
        ("scripts/Jobs_Spark/thrift_server.py", ["--catalog", ".local/c'est ici"]),
        ("scripts/ETL_Full_Load/pipeline.py", ["--history-months", "0", "--seed", "7", "--input", "data/été"]),
        ("lakehouse.simulator.cli", ["--count", "0", "--delay", "0:0", "--error-rate", ".1", "--history-months", "12"]),
        ("lakehouse.simulator.cli", ["--delay", "2", "--seed", "9223372036854775807"]),
        ("lakehouse.local.preflight", ["--need-memory", "2.5", "--need-python", "3.12"]),
    ],
)
def test_value_in_its_range_is_accepted(program: str, arguments: list[str]) -> None:
    assert run(program, *arguments)[0] is None


def test_options_of_every_program_were_found() -> None:
    found = {option for program in PROGRAMS for option in _options(program)}
    assert {
        "--wait",
        "--days",
        "--show",
        "--offset",
        "--seed",
        "--sweep",
        "--bonus-rate",
        "--employee",
        "--as-of",
        "--watch",
    } <= found
    assert {"--catalog", "--input", "--out", "--why", "--need-memory", "--delay", "--error-rate", "--table"} <= found


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (WholeNumber(1, 9), "a whole number from 1 to 9"),
        (WAIT_S, "a number of seconds from 0 to 604800"),
        (SHARE, "a number from 0 to 1"),
        (REFRESH_INTERVAL, "a duration from 1s to 24h, like 15s or 2min"),
        (Duration(90, 120), "a duration from 90s to 2min, like 15s or 2min"),
        (DAY_OF_DATA, "a day from 1900-01-01 to 9999-12-31, like 2026-06-30"),
        (Line(200), "one line of 1 to 200 characters"),
        (PathName(), "a path"),
    ],
)
def test_error_names_the_option_and_its_range_and_cuts_a_long_value(
    argument: Callable[[str], object], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = Parser(prog="program")
    parser.add_argument("--value", type=argument)
    for arguments, problem in ((["--value", "\n" * 5_000], r"is not"), (["--value"], r"expected one argument,")):
        with pytest.raises(SystemExit) as exited:
            parser.parse_args(arguments)
        assert exited.value.code == 2
        first, second = capsys.readouterr().err.splitlines()
        assert first.startswith("program: error: argument --value: ")
        assert first.endswith(f"{problem} {expected}")
        assert len(first) < 200
        assert second == "All options: program --help"


@pytest.mark.parametrize(
    "text", ["2026-02-30", "20260630", "2026-W01-1", "1899-12-31", "10000-01-01", "９９９９-01-01", "0001-01-01"]
)
def test_day_outside_its_range_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a day from"):
        DAY_OF_DATA(text)


@pytest.mark.parametrize("text", ["0.", "1.5", ".5", "15", "000.25"])
def test_decimal_number_is_read(text: str) -> None:
    assert Number(0, 20)(text) == float(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("15s", 15), ("90s", 90), ("2min", 120), ("1h", 3_600), ("24h", 86_400)]
)
def test_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert REFRESH_INTERVAL(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "15", "15 s", " 15s", "15s ", "15S", "15sec", "15m", "2 min", "2min30s", "1.5min", "0s", "0h", "00s", "015s",
        "-15s", "+15s", "1e3s", "1_0s", "500ms", "86401s", "25h", "999999h", "9999999s", "１５s", "٥s", "15s\n", "s",
        "min", "1d", "",
    ],
)  # fmt: skip
def test_duration_outside_its_range_or_without_its_unit_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a duration from 1s to 24h, like 15s or 2min"):
        REFRESH_INTERVAL(text)
