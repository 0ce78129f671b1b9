"""A program ends cleanly: after a bug, Ctrl-C, a closed pipe, and on a terminal that knows ASCII alone."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse.errors import RETAINED_TRACEBACKS
from lakehouse.settings import ROOT

FRENCH = "Bravo Élise ! Tu as fini… « 10,8 km » — quelle énergie ! 🔥🏅 cœur €"
ASCII = 'Bravo Elise ! Tu as fini... " 10,8 km " - quelle energie ! ?? coeur EUR'
RUN = "from lakehouse import errors, french_cli\ndef main():\n    {}\n{}.run(main)"


def run_main(body: str, home: Path, module: str = "errors", **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a program whose main function has this body, with its errors in the folder `home`."""
    return subprocess.run(
        [sys.executable, "-c", RUN.format(body, module)],
        env={**os.environ, "LAKEHOUSE_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_bug_leaves_its_traceback_in_a_private_file_that_the_line_names(tmp_path: Path) -> None:
    done = run_main("raise KeyError('salaire de Mme X')", tmp_path)
    [file] = (tmp_path / "errors").iterdir()
    assert done.returncode == 1
    assert done.stderr == f"error: KeyError, a bug of this program. Its traceback is in {file}: report it.\n"
    assert "salaire de Mme X" in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o077 == 0


def test_bug_in_a_command_of_hr_is_french(tmp_path: Path) -> None:
    done = run_main("1 / 0", tmp_path, "french_cli")
    assert done.stderr.startswith("erreur : le système n'est pas prêt. Transmettez ce message")
    assert str(tmp_path / "errors") in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_last_tracebacks_are_retained_and_where_no_file_can_be_written_it_is_printed(tmp_path: Path) -> None:
    (tmp_path / "errors").mkdir()
    for number in range(RETAINED_TRACEBACKS + 5):
        (tmp_path / "errors" / f"20200101T000000-{number:03}.txt").touch()
    run_main("1 / 0", tmp_path)
    files = sorted(file.name for file in (tmp_path / "errors").iterdir())
    assert len(files) == RETAINED_TRACEBACKS
    assert not files[-1].startswith("2020")
    (tmp_path / "file").touch()
    done = run_main("1 / 0", tmp_path / "file")
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert done.stderr.endswith("Its traceback is above: report it.\n")


@pytest.mark.parametrize(
    ("raised", "exit_code", "lines"),
    [
        ("errors.BadInput('a file')", 1, ["error: a file"]),
        ("errors.UsageError('the range\\nwhat to write')", 2, ["error: the range", "what to write"]),
        ("KeyboardInterrupt", 130, []),
        ("SystemExit(3)", 3, []),
    ],
)
def test_other_ends_have_their_exit_code_and_leave_no_file(
    tmp_path: Path, raised: str, exit_code: int, lines: list[str]
) -> None:
    done = run_main(f"raise {raised}", tmp_path)
    assert (done.returncode, done.stderr.splitlines()) == (exit_code, lines)
    assert [*tmp_path.iterdir()] == []


def test_ctrl_c_during_the_imports_leaves_no_traceback() -> None:
    code = "import lakehouse\nraise KeyboardInterrupt"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")
    other = subprocess.run(
        [sys.executable, "-c", "import lakehouse\n1 / 0"], capture_output=True, text=True, check=False
    )
    assert "ZeroDivisionError" in other.stderr


@pytest.mark.parametrize(("encoding", "expected"), [("ascii", ASCII), ("utf-8", FRENCH), ("latin-1", "")])
def test_output_of_french_does_not_fail_in_any_encoding(tmp_path: Path, encoding: str, expected: str) -> None:
    body = f"print({FRENCH!r}); print('\\udcc3 \\u200d')"
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(body, "errors")],
        env={**os.environ, "LAKEHOUSE_HOME": str(tmp_path), "PYTHONIOENCODING": encoding, "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    first = done.stdout.decode(encoding).splitlines()[0]
    if encoding == "latin-1":
        assert first.startswith("Bravo Élise ! Tu as fini")
        assert first.endswith("! ?? coeur EUR")
    else:
        assert first == expected


@pytest.mark.parametrize("closed", ["stdout", "stderr", "both"])
def test_closed_pipe_ends_the_output_and_not_the_work(tmp_path: Path, closed: str) -> None:
    marker = tmp_path / "done"
    pages = "[print('x' * 9_999, file=out) for out in (sys.stdout, sys.stderr) for _ in range(99)]"
    body = f"import sys; {pages}; open({str(marker)!r}, 'w')"
    reader, writer = os.pipe()
    os.close(reader)
    streams = {name: writer if closed in {name, "both"} else subprocess.PIPE for name in ("stdout", "stderr")}
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(body, "errors")],
        env={**os.environ, "LAKEHOUSE_HOME": str(tmp_path)},
        check=False,
        **streams,  # type: ignore[call-overload]
    )
    os.close(writer)
    assert done.returncode == 0
    assert marker.exists()
    assert b"Error" not in (done.stdout or b"") + (done.stderr or b"")


def test_program_without_a_stdout_ends_as_usual(tmp_path: Path) -> None:
    script = f'exec {sys.executable} -c "$PROGRAM" >&-'
    done = subprocess.run(
        ["sh", "-c", script],
        env={**os.environ, "LAKEHOUSE_HOME": str(tmp_path), "PROGRAM": RUN.format("print('x')", "errors")},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_help_and_preflight_survive_a_closed_pipe_and_ascii(tmp_path: Path, encoding: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    for program in ("scripts/ETL_Full_Load/pipeline.py", "scripts/lakehouse/local/preflight.py"):
        done = subprocess.run(
            [sys.executable, str(ROOT / program), "--help"],
            env={**os.environ, "PYTHONIOENCODING": encoding, "LAKEHOUSE_HOME": str(tmp_path)},
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b""), program
    os.close(writer)
