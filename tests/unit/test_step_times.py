"""Law: each step from a clone to the figures is timed, on the screen when long, and never fails for it."""

from pathlib import Path
from threading import Thread

import pytest

from benchmarks.first import cache_key, clone_variables, to_measurements
from lakehouse.local import step_times
from lakehouse.local.step_times import TIMES_FILE, read_times, record, timed_step


def test_last_duration_of_each_step_counts(tmp_path: Path) -> None:
    home = tmp_path / ".local"
    assert read_times(home) == {}
    for step, seconds in (("jars", 50.04), ("Java build", 8.0), ("jars", 0.264)):
        record(home, step, seconds)
    assert read_times(home) == {"jars": 0.26, "Java build": 8.0}
    assert (home / TIMES_FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "line",
    ["", "{", '{"step": "x"}', '{"seconds": 1}', '["x", 1]', "null", '{"step": "x", "seconds": "long"}', "\udce9"],
)
def test_line_that_was_cut_off_is_left_out(tmp_path: Path, line: str) -> None:
    record(tmp_path, "jars", 5.0)
    with (tmp_path / TIMES_FILE).open("a", encoding="utf-8", errors="surrogateescape") as file:
        file.write(line + "\n")
    record(tmp_path, "Java build", 7.0)
    assert read_times(tmp_path) == {"jars": 5.0, "Java build": 7.0}


def test_steps_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    def record_many(writer: int) -> None:
        for number in range(50):
            record(tmp_path, f"{writer}/{number}", number)

    threads = [Thread(target=record_many, args=[writer]) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_times(tmp_path)) == 200


def test_step_over_two_seconds_is_printed_and_each_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 2.0, 10.0, 41.6])
    monkeypatch.setattr(step_times, "monotonic", lambda: next(clock))
    for step in ("short", "long"):
        with timed_step(tmp_path, step):
            pass
    assert capsys.readouterr().out == "long: 32 s\n"
    assert read_times(tmp_path) == {"short": 2.0, "long": 31.6}


def test_step_that_fails_is_not_recorded_and_its_error_passes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), timed_step(tmp_path, "jars"):
        raise ValueError("broken")
    assert read_times(tmp_path) == {}


def test_folder_that_cannot_be_written_fails_no_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    with timed_step(tmp_path / "file", "jars"):
        pass
    assert "jars: its 0 s could not be noted" in capsys.readouterr().err


def test_clone_of_the_benchmark_has_free_ports_its_caches_and_no_setting(tmp_path: Path) -> None:
    inherited = {"SLACK_WEBHOOK_URL": "https://hooks.example/x", "LAKE_URI": "/lake", "PATH": "/bin", "MAKEFLAGS": "w"}
    variables = clone_variables(tmp_path, inherited)
    assert inherited.keys() & variables.keys() == {"PATH"}
    ports = {variables["DB_PORT"], variables["THRIFT_PORT"], variables["KAFKA_BOOTSTRAP_SERVERS"].rpartition(":")[2]}
    assert len(ports) == 3
    assert {"PIP_CACHE_DIR", "UV_CACHE_DIR", "KAFKA_CONTROLLER_PORT", "CONNECT_URL"} <= variables.keys()


def test_download_cache_is_filled_again_for_another_lock(tmp_path: Path) -> None:
    for name in ("requirements-local.txt", "Makefile"):
        (tmp_path / name).write_text("one", encoding="utf-8")
    keys = {cache_key(tmp_path)}
    for name in ("requirements-local.txt", "Makefile"):
        (tmp_path / name).write_text("two", encoding="utf-8")
        keys.add(cache_key(tmp_path))
    assert len(keys) == 3


def test_each_step_of_the_first_start_is_a_line_of_the_benchmark() -> None:
    assert [str(line) for line in to_measurements({"jars": 30.0})] == ["step: jars: ours 30 s"]
