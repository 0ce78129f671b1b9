"""Contracts of captured tables: all that the engine is given of the company. Data only: nothing here needs Spark."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# In a text of a Wording, the place of the column's name.
COLUMN_PLACEHOLDER = "{column}"
# In a text of a Wording, the place of the reason that a person gave.
REASON_PLACEHOLDER = "{why}"


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
class Wording:
    """The texts in the company's language that the engine stores for its own findings.

    Versions and quarantine hold these texts, so that a changed one needs a rebuild of Silver.
    """

    # Reasons of a refusal.
    undecodable: str
    unreliable_key: str  # of a delete that does not have the key of the deleted row
    wrong_type: str  # with COLUMN_PLACEHOLDER, as the next two
    out_of_range: str
    toasted: str
    refused_manually: str  # with REASON_PLACEHOLDER
    # Resolutions of a quarantine entry.
    corrected: str
    deleted: str


@dataclass(frozen=True)
class Hints:
    """The remedies that the engine's errors end with: sentences that name the deployment's commands."""

    change_contract: str
    other_source: str
    rebuild_silver: str
    refuse_change: str
    repair_bronze: str
    resnapshot: str
    start_stream: str


@dataclass(frozen=True, kw_only=True)
class Contract:
    """A captured table: its key, its columns with their Spark SQL types, and the rules that refuse a row.

    `subject` is the column that shows whose a row is, and the column of the people's table that it equals. None means
    that rows belong to nobody.
    """

    table: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    rules: tuple[Rule, ...] = field(default=())
    subject: tuple[str, str] | None = None
    schema: str
    topic_prefix: str
    wording: Wording
    hints: Hints

    @property
    def topic(self) -> str:
        """Return the name of the topic to which Debezium writes this table's changes."""
        return f"{self.topic_prefix}.{self.schema}.{self.table}"
