"""Contracts of captured tables. Data only: nothing here needs Spark."""

from collections.abc import Mapping
from dataclasses import dataclass, field

TOPIC_PREFIX = "rh_sport"


@dataclass(frozen=True)
class Rule:
    """A reason to refuse a row.

    `when` is a SQL condition over the row's columns and `committed_at`, in SQL that Spark and Postgres share. A row is
    refused where it is true; NULL accepts. It never reads the clock, so that a rebuild next year refuses the same
    rows. `message` is the reason in the company's language.
    """

    name: str
    when: str
    message: str


@dataclass(frozen=True)
class Contract:
    """A captured table: its key, its columns with their Spark SQL types, and the rules that refuse a row."""

    table: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    rules: tuple[Rule, ...] = field(default=())
    schema: str = "public"
    topic_prefix: str = TOPIC_PREFIX

    @property
    def topic(self) -> str:
        """Return the name of the topic to which Debezium writes this table's changes."""
        return f"{self.topic_prefix}.{self.schema}.{self.table}"
