"""Law: a first start waits for nothing that it does not need, and says where its time goes."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console

from lakehouse.errors import HOME_VAR, LakehouseError
from lakehouse.local import step_timer
from lakehouse.local.aot_build import LOG_NAME, NICENESS, build_aot_cache, start_aot_build
from lakehouse.local.first_load import NEEDED_SERVICES, FirstLoad
from lakehouse.local.orphans import kill_orphans
from lakehouse.local.service import Service
from lakehouse.local.service_addresses import on_free_ports
from lakehouse.local.services import services
from lakehouse.local.startup import start_services
from lakehouse.local.step_timer import StepTimer, sum_up
from lakehouse.local.step_times import AOT_CACHE, record
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.spark.aot_cache import one_builder, publish
from lakehouse.spark.jvm_options import aot_cache_path, jvm_options

SLEEP = ("-c", "print('loading', flush=True); import time; time.sleep(600)")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "jars").mkdir()
    return on_free_ports(tmp_path).model_copy(update={"jars_dir": tmp_path / "jars"})


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Path]:
    """Yield a home, and end what runs for it."""
    yield tmp_path
    kill_orphans(tmp_path)


def test_load_starts_once_what_it_needs_is_ready(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    marker, starts = tmp_path / "loaded", list[str]()

    def environment() -> dict[str, str]:
        starts.append("started")
        return dict(os.environ)

    command = ("-c", f"open({str(marker)!r}, 'w').close(); print(160 + 1, 'lignes')")
    with FirstLoad(command, environment) as load:
        for service in ("kafka", "postgres", "distance-worker"):
            load.start_if_possible(service)
        assert starts == []
        load.start_if_possible("table-init")
        wait_until(marker.exists, timeout=60, missing="the load, while services still start")
        load.start_if_possible("spark-thrift")
        load.wait()
    assert capsys.readouterr().out.count("161 lignes") == len(starts) == 1


def test_load_needs_services_that_wait_for_postgres_alone(tmp_path: Path) -> None:
    by_name = {service.name: service for service in services(tmp_path, on_free_ports(tmp_path))}
    assert {*NEEDED_SERVICES} <= by_name.keys()
    assert {name for needed in NEEDED_SERVICES for name in by_name[needed].depends_on} <= {"postgres"}


def test_failing_load_is_named_after_its_output(capsys: pytest.CaptureFixture[str]) -> None:
    with FirstLoad(("-c", "print('ligne 42'); raise SystemExit(2)"), lambda: os.environ) as load:
        for service in NEEDED_SERVICES:
            load.start_if_possible(service)
        with pytest.raises(LakehouseError, match="ended with 2; its output is above"):
            load.wait()
    assert "ligne 42" in capsys.readouterr().out


def test_load_that_could_not_start_is_named() -> None:
    with FirstLoad(SLEEP, lambda: os.environ) as load:
        load.start_if_possible("postgres")
        with pytest.raises(LakehouseError, match="not started: table-init not ready"):
            load.wait()


def test_load_ends_where_the_services_fail(tmp_path: Path) -> None:
    environment = {**os.environ, HOME_VAR: str(tmp_path)}
    with suppress(LakehouseError), FirstLoad(SLEEP, lambda: environment) as load:
        for service in NEEDED_SERVICES:
            load.start_if_possible(service)
        wait_until(lambda: _find(tmp_path), timeout=60, missing="the load's process")
        raise LakehouseError("no port")
    assert _find(tmp_path) == []


def test_ready_service_is_reported_while_others_still_start(tmp_path: Path) -> None:
    ready = list[str]()

    class FakeSupervisor:
        def processes(self) -> dict[str, Any]:
            return {name: FakeProcess() for name in ("first", "second")}

        def start_program(self, name: str) -> None:
            if name == "second":
                assert ready == ["first"]

        def recent_restarts(self, _name: str) -> int:
            return 0

    class FakeProcess:
        state, pid, exit_code = "RUNNING", 1, 0

        def is_stopped(self, _oneshot: bool) -> bool:
            return True

    chain = [Service("first", ("true",)), Service("second", ("true",), depends_on=("first",))]
    start_services(chain, FakeSupervisor(), tmp_path, print, ready.append)  # type: ignore[arg-type]
    assert ready == ["first", "second"]


def test_cache_is_built_in_the_background_and_stopped_with_the_stack(settings: Settings, running: Path) -> None:
    start_aot_build(settings, running, (sys.executable, *SLEEP))
    wait_until(lambda: "loading" in _read(running / "logs" / LOG_NAME), timeout=60, missing="the build")
    assert len(_find(running)) == 1
    assert _find(running)[0].nice() == min(19, os.nice(0) + int(NICENESS)), "the services have the processor first"
    kill_orphans(running)
    assert _find(running) == []


def test_cache_that_exists_is_not_built_again(settings: Settings, running: Path) -> None:
    aot_cache_path(settings).touch()
    start_aot_build(settings, running, (sys.executable, *SLEEP))
    build_aot_cache(settings, running, {})
    assert _find(running) == []
    assert not (running / "logs").exists()


def test_failing_build_in_the_background_stops_nothing(settings: Settings, running: Path) -> None:
    start_aot_build(settings, running, (sys.executable, "-c", "raise SystemExit('no memory')"))
    wait_until(lambda: "no memory" in _read(running / "logs" / LOG_NAME), timeout=60, missing="its reason in the log")


def test_jvm_reads_no_cache_that_is_still_written(settings: Settings, tmp_path: Path) -> None:
    cache = aot_cache_path(settings)
    part = settings.jars_dir / "aot-cache-0" / cache.name
    part.parent.mkdir()
    part.write_bytes(b"half of it")
    assert "AOTCache=" not in jvm_options(settings)
    older = settings.jars_dir / "spark-0123456789ab.aot"
    older.touch()
    part.write_bytes(b"all of it")
    publish(part, cache)
    assert f"-XX:AOTCache={cache}" in jvm_options(settings)
    assert cache.read_bytes() == b"all of it"
    assert not older.exists()
    assert tmp_path.exists()


def test_one_process_builds_and_deletes_what_a_killed_one_left(tmp_path: Path) -> None:
    leftover = tmp_path / "aot-cache-killed" / "table"
    leftover.mkdir(parents=True)
    (tmp_path / "spark").mkdir()
    with one_builder(tmp_path):
        assert [path.name for path in sorted(tmp_path.iterdir())] == ["aot.lock", "spark"]
        with (tmp_path / "aot.lock").open("a", encoding="ascii") as second, pytest.raises(BlockingIOError):
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (tmp_path / "aot.lock").open("a", encoding="ascii") as second:
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_first_demo_sums_up_from_the_clone_on() -> None:
    recorded = {"jars": 30.0, "Python environment": 60.0, "Java build": 5.0, AOT_CACHE: 44.0, "Refresh again": 99.0}
    assert sum_up(recorded, {"Start the services": 40.0, "Refresh again": 20.0}) == {
        "make install: Python environment": "60.0",
        "make install: jars": "30.0",
        "make install: Java build": "5.0",
        "Start the services": "40.0",
        "Refresh again": "20.0",
        "all of it": "155.0",
        f"{AOT_CACHE}, meanwhile": "(44.0)",
    }
    assert sum_up({}, {"Refresh again": 20.0}) == {"Refresh again": "20.0", "all of it": "20.0"}


@pytest.mark.parametrize(
    ("is_first", "title", "total"),
    [(True, "From the clone to the figures", "35.0"), (False, "How long it took", "5.0")],
)
def test_demo_prints_each_long_step_and_the_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_first: bool, title: str, total: str
) -> None:
    record(tmp_path, "jars", 30.0)
    clock = iter([0.0, 1.0, 1.0, 5.0])
    monkeypatch.setattr(step_timer, "monotonic", lambda: next(clock))
    console = Console(width=100, record=True)
    timer = StepTimer(console, tmp_path, is_first=is_first)
    for step in ("short", "long"):
        with timer.step(step):
            pass
    timer.print_times()
    text = console.export_text()
    assert [line for line in text.splitlines() if line.endswith(" s")] == ["4.0 s"]
    assert title in text
    assert f" {total} " in text.splitlines()[-2].replace("│", " ")
    lines = [json.loads(line) for line in (tmp_path / "step-times.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["step"] for line in lines] == ["jars", "short", "long"]


def test_make_install_builds_no_cache_and_tests_have_one() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text(encoding="utf-8")
    installed = makefile.partition("\n.local/jars/installed:")[2]
    assert "classes" not in installed
    for target in ("tests-of-services", "tests-of-spark", "chaos", "bench"):
        assert f"\n{target}: classes" in makefile


def _find(home: Path) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _is_of(process, home)]


def _is_of(process: psutil.Process, home: Path) -> bool:
    with suppress(psutil.Error, OSError):
        return bool(process.environ().get(HOME_VAR) == str(home) and process.status() != psutil.STATUS_ZOMBIE)
    return False


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_background_build_is_the_command_of_make_classes() -> None:
    completed = subprocess.run(
        (sys.executable, "-m", "lakehouse.local", "classes", "--help"), capture_output=True, text=True, check=True
    )
    assert "build Java's cache of Spark's classes" in completed.stdout
