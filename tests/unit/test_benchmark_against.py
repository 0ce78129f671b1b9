"""Law: a commit is compared with another in turn on one machine, and a change within the spread is none."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.against import (
    OTHER_COMMIT,
    THIS_CHECKOUT,
    Comparison,
    Results,
    Spread,
    compare,
    measure_alternately,
    render_table,
    run_order,
    to_spread,
    write_comparison,
)
from benchmarks.checkouts import check_out, clean_variables, resolve_commit, run_in, run_or_fail, share_installation
from benchmarks.measurements import Measurement
from benchmarks.run import build_parser, to_arguments
from lakehouse.errors import HOME_VAR, BadInput, LakehouseError

MAKE_UP = Measurement("start", "make up", "s")
RATE = Measurement("throughput", "rate", "rows/s", more=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository of two commits and a tag, in a folder with a blank and an accent."""
    folder = tmp_path / "dépôt à moi"
    folder.mkdir()
    _git(folder, "init", "--quiet", "--initial-branch=main")
    for text in ("one", "two"):
        (folder / "file").write_text(text, encoding="utf-8")
        (folder / "requirements-local.txt").write_text("package==1\n", encoding="utf-8")
        _git(folder, "add", "--all")
        _git(folder, "commit", "--quiet", "--message", text)
    _git(folder, "tag", "--annotate", "v1", "--message", "first")
    return folder


@pytest.mark.parametrize("name", ["HEAD~1", "HEAD^", "main~1", "v1~1", "HEAD@{0}~1", "v1^{}~1"])
def test_commit_may_be_named_in_each_way_of_git(repository: Path, name: str) -> None:
    assert resolve_commit(name, repository) == _git(repository, "rev-parse", "HEAD~1")


def test_short_hash_names_its_commit(repository: Path) -> None:
    commit = _git(repository, "rev-parse", "HEAD")
    assert resolve_commit(commit[:8], repository) == resolve_commit("v1", repository) == commit


@pytest.mark.parametrize(
    "name", ["", " ", "HEAD~9", "nowhere", "HEAD~1..HEAD", "HEAD:file", "--all", "-x", "HEAD HEAD~1", "; rm -r ."]
)
def test_what_names_no_single_commit_is_refused_with_an_example(repository: Path, name: str) -> None:
    with pytest.raises(BadInput, match="AGAINST is a commit, a branch or a tag, such as HEAD~1"):
        resolve_commit(name, repository)


def test_rounds_alternate_between_the_two_commits() -> None:
    assert [side for _, side in run_order(3)] == [THIS_CHECKOUT, OTHER_COMMIT] * 3
    assert [number for number, _ in run_order(2)] == [0, 0, 1, 1]
    assert run_order(1) == [(0, THIS_CHECKOUT), (0, OTHER_COMMIT)]


def test_results_of_each_round_stay_paired() -> None:
    figures, log = iter([10.0, 20.0, 11.0, 22.0]), list[str]()

    def run_side(_: str) -> Results:
        return {MAKE_UP.key: MAKE_UP.with_value("ours", next(figures))}

    results = measure_alternately(2, run_side, log.append)
    assert {side: [lines[MAKE_UP.key].ours for lines in rounds] for side, rounds in results.items()} == {
        THIS_CHECKOUT: [10.0, 11.0],
        OTHER_COMMIT: [20.0, 22.0],
    }
    assert log[0] == "round 1 of 2: this checkout"
    assert [line.change for line in compare(results)] == [-0.5]


def test_change_is_the_median_of_the_rounds_and_not_of_the_days() -> None:
    """Both commits take three times as long in the second round: paired, the change is the same in each."""
    [line] = compare(_results([10.0, 30.0, 10.0], [20.0, 60.0, 20.0]))
    assert line.change == -0.5
    assert (line.this, line.other) == (Spread(10.0, 10.0, 30.0), Spread(20.0, 20.0, 60.0))


@pytest.mark.parametrize(
    ("this", "other", "line", "verdict"),
    [
        ([9.0, 10.0, 11.0], [12.0, 13.0, 14.0], MAKE_UP, "better"),
        ([12.0, 13.0, 14.0], [9.0, 10.0, 11.0], MAKE_UP, "worse"),
        ([9.0, 10.0, 12.0], [12.0, 13.0, 14.0], MAKE_UP, "within the spread"),
        ([13.0, 9.0, 9.0], [12.0, 13.0, 14.0], MAKE_UP, "within the spread"),
        ([12.0, 13.0], [9.0, 10.0], RATE, "better"),
        ([9.0, 10.0], [12.0, 13.0], RATE, "worse"),
        ([10.0, 10.0], [10.0, 10.0], RATE, "within the spread"),
        ([None, None], [10.0, 10.0], MAKE_UP, "-"),
        ([10.0], [None], MAKE_UP, "-"),
        ([10.0, None], [None, 12.0], MAKE_UP, "-"),
        ([10.0, None], [12.0, 12.0], MAKE_UP, "better"),
        ([10.0], [0.0], MAKE_UP, "-"),
    ],
)
def test_change_counts_beyond_the_spread_of_both(
    this: list[float | None], other: list[float | None], line: Measurement, verdict: str
) -> None:
    assert compare(_results(this, other, line))[0].verdict == verdict


def test_line_of_one_commit_alone_is_shown_without_a_change() -> None:
    results = {THIS_CHECKOUT: [{MAKE_UP.key: MAKE_UP.with_value("ours", 1.0)}], OTHER_COMMIT: [dict[object, object]()]}
    [line] = compare(results)  # type: ignore[arg-type]
    assert (line.this, line.other, line.change) == (Spread(1.0, 1.0, 1.0), None, None)


def test_limit_is_compared_where_nothing_of_ours_is_measured() -> None:
    rounds = [{RATE.key: RATE.with_value("limit", 50_000.0)}]
    assert compare({THIS_CHECKOUT: rounds, OTHER_COMMIT: rounds})[0].change == 0.0


def test_spread_is_the_median_with_the_least_and_the_largest() -> None:
    assert to_spread([3.0, None, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert to_spread([None]) is to_spread([]) is None
    assert str(Spread(200.0, 150.0, 1234.0)) == "200 (150–1,234)"


def test_table_and_file_have_both_medians_and_their_spread(tmp_path: Path) -> None:
    lines = compare(_results([9.0, 10.0, 11.0], [18.0, 20.0, 22.0]))
    console = Console(width=160, record=True)
    console.print(render_table(lines, "abc1234"))
    text = console.export_text()
    for part in ("AGAINST=abc1234", "make up, s", "10 (9–11)", "20 (18–22)", "-50%", "better"):
        assert part in text
    write_comparison(tmp_path / "against.json", {"against": "abc1234", "rounds": 3}, lines)
    written = json.loads((tmp_path / "against.json").read_text(encoding="utf-8"))
    assert (written["against"], written["lines"][0]["verdict"]) == ("abc1234", "better")
    assert Comparison("s", "n", "s", False, None, None, None).verdict == "-"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], []),
        (["--sections", "latency", "thrift"], ["--sections", "latency", "thrift"]),
        (["--sizes", "10000"], ["--sizes", "10000"]),
        (["--quick", "--rate", "500"], ["--rate", "500", "--quick"]),
        (["--against", "HEAD~1", "--rounds", "5"], []),
        (["--against", "HEAD~1", "--sections", "start", "--changes", "7"], ["--sections", "start", "--changes", "7"]),
    ],
)
def test_other_commit_gets_only_options_that_it_knows(given: list[str], expected: list[str]) -> None:
    assert to_arguments(build_parser().parse_args(given)) == expected


def test_rounds_are_a_positive_number(capsys: pytest.CaptureFixture[str]) -> None:
    for rounds in ("0", "-1", "1.5", "many"):
        with pytest.raises(SystemExit):
            build_parser().parse_args(["--against", "HEAD", "--rounds", rounds])
    assert "a whole number from 1 to 100" in capsys.readouterr().err


def test_checkout_is_reused_for_another_commit(repository: Path, tmp_path: Path) -> None:
    folder = check_out(resolve_commit("HEAD~1", repository), tmp_path / "b" / "clone", repository)
    assert (folder / "file").read_text(encoding="utf-8") == "one"
    (folder / "installed").touch()
    (folder / "file").write_text("changed by a run", encoding="utf-8")
    check_out(resolve_commit("HEAD", repository), folder, repository)
    assert (folder / "file").read_text(encoding="utf-8") == "two"
    assert (folder / "installed").exists()
    assert _git(repository, "status", "--porcelain") == ""


def test_commit_that_no_branch_reaches_is_checked_out(repository: Path, tmp_path: Path) -> None:
    commit = _git(repository, "rev-parse", "HEAD")
    _git(repository, "tag", "--delete", "v1")
    _git(repository, "reset", "--quiet", "--hard", "HEAD~1")
    assert (check_out(commit, tmp_path / "clone", repository) / "file").read_text(encoding="utf-8") == "two"


def test_packages_are_shared_with_a_checkout_that_locks_the_same(repository: Path, tmp_path: Path) -> None:
    _install(repository)
    folder = check_out("HEAD", tmp_path / "clone", repository)
    before = (repository / ".venv" / "installed").stat().st_mtime_ns
    share_installation(folder, repository)
    assert (folder / ".venv" / "lib").read_text(encoding="utf-8") == "package"
    assert (folder / ".venv" / "installed").stat().st_mtime >= (folder / "requirements-local.txt").stat().st_mtime
    assert (repository / ".venv" / "installed").stat().st_mtime_ns == before, "a stamp is no link"
    jars = {path.relative_to(folder / ".local" / "jars").as_posix() for path in folder.rglob("*") if path.is_file()
            and ".local" in path.parts}  # fmt: skip
    assert jars == {"spark/delta.jar", "own.sha256"}, "neither the stamp nor the cache of classes"


def test_packages_of_another_lock_are_not_shared(repository: Path, tmp_path: Path) -> None:
    _install(repository)
    folder = check_out("HEAD", tmp_path / "clone", repository)
    (folder / "requirements-local.txt").write_text("package==2\n", encoding="utf-8")
    share_installation(folder, repository)
    assert not (folder / ".venv").exists()


def test_command_in_the_other_checkout_has_nothing_of_this_make() -> None:
    variables = {
        "MAKEFLAGS": "-j2 -- AGAINST=HEAD~1",
        "MAKELEVEL": "1",
        "AGAINST": "HEAD~1",
        "PYTHONPATH": "tests",
        HOME_VAR: "/somewhere",
        "SPARK_HOME": "/opt/spark",
        "JAVA_HOME": "/opt/java",
        "PIP_INDEX_URL": "https://mirror/",
        "https_proxy": "http://proxy:3128",
    }
    assert {*clean_variables(variables)} == {"JAVA_HOME", "PIP_INDEX_URL", "https_proxy"}


def test_failing_command_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    variables = dict(os.environ)
    assert run_in(tmp_path, "sh", "-c", "echo told; exit 3", variables=variables, log=log) == 3
    with pytest.raises(LakehouseError, match=r"ended with 4 in .*(?s:.*)no network"):
        run_or_fail(tmp_path, "sh", "-c", "echo no network >&2; exit 4", variables=variables, log=log)


def _results(
    this: list[float | None], other: list[float | None], line: Measurement = MAKE_UP
) -> dict[str, list[Results]]:
    def to_rounds(figures: list[float | None]) -> list[Results]:
        return [{line.key: line.with_value("ours", figure)} for figure in figures]

    return {THIS_CHECKOUT: to_rounds(this), OTHER_COMMIT: to_rounds(other)}


def _install(folder: Path) -> None:
    files = (".venv/lib", ".venv/installed", ".local/jars/spark/delta.jar", ".local/jars/own.sha256")
    for name in (*files, ".local/jars/installed", ".local/jars/spark-0123.aot"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("package", encoding="utf-8")


def _git(folder: Path, *arguments: str) -> str:
    names = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
    identity = dict.fromkeys(names, "test@example.org")
    completed = subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **identity}, capture_output=True, text=True, check=True
    )
    return completed.stdout.strip()
