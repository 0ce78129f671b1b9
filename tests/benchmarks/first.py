"""The section first: from a clone of HEAD to the figures, with all downloads at hand, and where the time goes."""

import shutil
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.checkouts import BENCH_FOLDER, check_out, clean_variables, resolve_commit, run_in, run_or_fail
from benchmarks.measurements import Measurement
from benchmarks.options import Options
from lakehouse.local.jar_check import JAR_LOCKS
from lakehouse.local.service_addresses import on_free_ports, to_variables
from lakehouse.local.step_times import read_times
from lakehouse.settings import ROOT, Settings
from support.system import Log

FIRST_SECTION = "first"
TARGET_SECONDS = 180.0
DOWNLOADS = BENCH_FOLDER / "downloads"
PORT_SETTINGS = ("db_port", "kafka_bootstrap_servers", "kafka_controller_port", "connect_url", "thrift_port")


def measure(_options: Options, log: Log) -> Generator[Measurement, None, None]:
    """Yield the seconds of `make install` and `make demo` in a fresh clone, of all, and of each step."""
    DOWNLOADS.mkdir(mode=0o700, parents=True, exist_ok=True)
    commit = resolve_commit("HEAD")
    with TemporaryDirectory(prefix="first-", dir=BENCH_FOLDER) as scratch:
        _fill_download_cache(commit, Path(scratch) / "filling", log)
        log(f"a clone of {commit[:7]}")
        began = time.monotonic()
        with _checkout(commit, Path(scratch) / "clone") as (folder, variables):
            for command in ("install", "demo"):
                log(f"make {command}")
                command_began = time.monotonic()
                run_or_fail(folder, "make", command, variables=variables, log=BENCH_FOLDER / "first.log")
                yield Measurement(FIRST_SECTION, f"make {command}", "s", ours=time.monotonic() - command_began)
            total = time.monotonic() - began
            yield Measurement(FIRST_SECTION, "clone → figures, warm downloads", "s", ours=total, target=TARGET_SECONDS)
            yield from to_measurements(read_times(folder / ".local"))


def to_measurements(times: Mapping[str, float]) -> Iterator[Measurement]:
    """Yield a line for each step that the clone recorded: environment, jars, Java, cache, services, load, refresh."""
    for step, seconds in times.items():
        yield Measurement(FIRST_SECTION, f"step: {step}", "s", ours=seconds)


def clone_variables(home: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a newcomer whose downloads are at hand: free ports, and no other setting."""
    names = {name.upper() for name in Settings.model_fields}
    variables = {name: value for name, value in clean_variables(inherited).items() if name.upper() not in names}
    caches = {"PIP_CACHE_DIR": str(DOWNLOADS / "pip"), "UV_CACHE_DIR": str(DOWNLOADS / "uv")}
    return {**variables, **caches, **to_variables(on_free_ports(home), PORT_SETTINGS)}


def cache_key(folder: Path) -> str:
    """Return what the cached packages follow from: the lock, and how it is installed."""
    return sha256(b"".join((folder / name).read_bytes() for name in ("requirements-local.txt", "Makefile"))).hexdigest()


@contextmanager
def _checkout(commit: str, folder: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield a clone with its environment; stop what was started in it when the block ends."""
    check_out(commit, folder)
    variables = clone_variables(folder / ".local", dict(clean_variables()))
    for name in JAR_LOCKS:
        _offer_jars(ROOT / ".local" / "jars" / name, folder / ".local" / "jars" / "downloading")
    try:
        yield folder, variables
    finally:
        run_in(folder, "make", "down", variables=variables, log=BENCH_FOLDER / "first.log")


def _fill_download_cache(commit: str, folder: Path, log: Log) -> None:
    """Install once, where this lock was not installed from the cache before: what comes next downloads nothing."""
    with _checkout(commit, folder) as (checkout, variables):
        filled = DOWNLOADS / cache_key(checkout)
        if not filled.exists():
            log("filling the download cache")
            run_or_fail(checkout, "make", "install", variables=variables, log=BENCH_FOLDER / "first.log")
            filled.touch()
    shutil.rmtree(folder)


def _offer_jars(source: Path, target: Path) -> None:
    """Copy a lock's jars to where an interrupted download leaves them: they are checked and installed as if new."""
    target.mkdir(parents=True, exist_ok=True)
    for jar in source.glob("*.jar"):
        if not jar.match("lakehouse-*.jar"):
            shutil.copyfile(jar, target / jar.name)
