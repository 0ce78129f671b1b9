"""The statements that a reader over the Thrift port is refused, and those that are answered."""

from collections.abc import Iterator
from pathlib import Path

from pyhive import hive

from lakehouse.serving.client import QueryError, execute
from lakehouse.settings import ROOT, Settings

FOLDER = Path(__file__).with_name("thrift_statements")
REFUSED_CONDITION = "LAKEHOUSE_REFUSED"
# Spark's grammar knows neither of them, so that nothing is there to be refused.
NO_STATEMENTS = {"PARSE_SYNTAX_ERROR", "INVALID_STATEMENT_OR_CLAUSE"}


def statements(name: str, settings: Settings) -> Iterator[str]:
    """Yield the statements of a file, `refused` or `answered`, with the paths and addresses of a running system."""
    places = {"lake": settings.lake, "checkout": str(ROOT), "broker": settings.kafka_bootstrap_servers}
    for line in (FOLDER / f"{name}.sql").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("--"):
            for place, value in places.items():
                line = line.replace(f"<{place}>", value)  # noqa: PLW2901 - one place after another
            yield line


def refusal(cursor: hive.Cursor, sql: str) -> str | None:
    """Return the condition of a reader's refusal, or None where the statement was answered."""
    try:
        execute(cursor, sql)
    except QueryError as error:
        return error.condition or str(error)
    return None
