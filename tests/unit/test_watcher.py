"""A watcher ends on a signal, and logs why a refresh failed without a value of a person."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from lakehouse.errors import NotReady, SilverDiffers
from lakehouse.local.service import job_command
from lakehouse.local.service_addresses import environment, on_free_ports
from lakehouse.refresh.watcher import Interruption, log_failure, look_interval
from lakehouse.retries import wait_until
from support.timing import seconds

WATCH_COMMAND = job_command("batch_refresh_silver_gold.py", "--watch")


@pytest.fixture
def interruption() -> Iterator[Interruption]:
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    try:
        yield Interruption()
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@pytest.mark.parametrize(("number", "is_from_keyboard"), [(signal.SIGTERM, False), (signal.SIGINT, True)])
def test_signal_kills_the_jvm_and_ends_what_the_main_thread_does(
    interruption: Interruption, number: signal.Signals, *, is_from_keyboard: bool
) -> None:
    killed: list[bool] = []
    interruption.kill_jvm = lambda: killed.append(interruption.stop.is_set())
    interruption.install()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    assert killed == [True]
    assert interruption.stop.wait(0)
    assert interruption.is_from_keyboard == is_from_keyboard


def test_second_sigterm_does_not_interrupt_the_clean_up(interruption: Interruption) -> None:
    interruption.install()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL


def test_failure_that_a_signal_has_caused_is_not_reported(interruption: Interruption) -> None:
    reported: list[float] = []
    report = interruption.unless_stopped(lambda _error, pause: reported.append(pause))
    report(NotReady("away"), 1.0)
    interruption.stop.set()
    report(NotReady("away"), 2.0)
    assert reported == [1.0]


def test_reason_of_our_own_error_is_logged_whole() -> None:
    with capture_logs() as logs:
        log_failure(SilverDiffers("Silver differs.\nrh_employees id=1: differs in salaire_brut"), 30.0)
    [line] = logs
    assert (line["event"], line["retry_in_s"]) == ("refresh_failed", 30.0)
    assert "rh_employees id=1: differs in salaire_brut" in line["reason"]


def test_text_of_another_error_is_in_a_private_file_and_not_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path))
    with capture_logs() as logs:
        log_failure(ValueError("cannot cast 'Juliette Mendes'"), 15.0)
    assert "Juliette" not in str(logs)
    assert logs[0]["reason"].startswith("ValueError")
    [file] = (tmp_path / "errors").iterdir()
    assert "Juliette" in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("lake", "interval", "expected"),
    [("/data/delta", 15, 1), ("/data/delta", 1, 1), ("s3a://bucket/lake", 15, 15), ("abfss://files/lake", 120, 120)],
)
def test_object_store_is_read_once_per_interval_and_a_disk_once_a_second(
    lake: str, interval: float, expected: float
) -> None:
    assert look_interval(lake, interval) == expected


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a stack that is not running."""
    return {**environment(on_free_ports(tmp_path)), "LAKEHOUSE_HOME": str(tmp_path)}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_watcher_outlives_an_outage_and_ends_on_a_signal(
    tmp_path: Path, environ: dict[str, str], number: signal.Signals, code: int
) -> None:
    log = tmp_path / "watcher.log"
    with log.open("wb") as output:
        watcher = subprocess.Popen((*WATCH_COMMAND, "1s"), env=environ, stdout=output, stderr=output)
    try:
        wait_until(
            lambda: log.read_text(encoding="utf-8").count("refresh_failed") > 1 or watcher.poll() is not None,
            timeout=seconds(60),
            missing="a second attempt",
        )
        watcher.send_signal(number)
        assert watcher.wait(seconds(10)) == code, log.read_text(encoding="utf-8")
    finally:
        watcher.kill()
    text = log.read_text(encoding="utf-8")
    assert "retry_in_s=1.0" in text
    assert "retry_in_s=2.0" in text
    assert ("watch_stopped" in text, "Traceback" in text) == (True, False)


def test_wrong_configuration_ends_the_watcher_with_its_exit_code(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "lakehouse_format").write_text("1\n", encoding="ascii")
    completed = subprocess.run(
        (*WATCH_COMMAND, "1s"), env=environ, capture_output=True, text=True, check=False, timeout=seconds(60)
    )
    assert completed.returncode == 1
    assert "has format 1, and this version reads format 3" in completed.stderr
    assert "refresh_failed" not in completed.stderr
