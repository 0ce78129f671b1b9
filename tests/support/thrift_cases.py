"""The statements that a reader over the Thrift port is refused, and those that are answered."""

from collections.abc import Iterator
from pathlib import Path

from lakehouse.settings import ROOT, Settings

FOLDER = Path(__file__).with_name("thrift_statements")


def statements(name: str, settings: Settings) -> Iterator[str]:
    """Yield the statements of a file, `refused` or `answered`, with the paths and addresses of a running system."""
    places = {"lake": settings.lake, "checkout": str(ROOT), "broker": settings.kafka_bootstrap_servers}
    for line in (FOLDER / f"{name}.sql").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("--"):
            for place, value in places.items():
                line = line.replace(f"<{place}>", value)  # noqa: PLW2901 - one place after another
            yield line
