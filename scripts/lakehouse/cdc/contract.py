"""What a captured table promises. Data only: nothing here needs Spark."""

from collections.abc import Mapping
from dataclasses import dataclass, field

TOPIC_PREFIX = "rh_sport"


@dataclass(frozen=True)
class Rule:
    """A reason to refuse a row.

    `when` is a SQL condition that Spark and Postgres read alike, over the row's columns and `committed_at`;
    a row is refused where it is true (NULL accepts). It never asks what time it is now, so that a rebuild
    next year refuses the same rows. `says` is the reason in the company's language.
    """

    name: str
    when: str
    message: str


@dataclass(frozen=True)
class Contract:
    """A captured table: its key, its columns with their Spark SQL types, and what its rows must not be."""

    table: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    rules: tuple[Rule, ...] = field(default=())
    schema: str = "public"
    topic_prefix: str = TOPIC_PREFIX

    @property
    def topic(self) -> str:
        """The topic that Debezium writes this table's changes to."""
        return f"{self.topic_prefix}.{self.schema}.{self.table}"
