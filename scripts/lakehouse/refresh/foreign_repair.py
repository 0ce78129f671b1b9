"""What a refresh does about foreign commits: each layer is made again from the one before it.

A table of Silver is rebuilt from Bronze, and the quarantine with all of them. A current figure is computed again.
The journal, and the figures of past days and scenarios, go back to their last own version: no run computes them again.
Bronze comes from outside: nothing is merged from it, and a person decides.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.commit_intents import ForeignCommit
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.foreign_commits import all_foreign_commits, find_foreign_commits, resolve_foreign_commits
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.manual_refusals import REFUSALS_TABLE
from lakehouse.cdc.merge.silver import CatchUpResult, reset_table
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.contracts.company import RUN_REFRESH
from lakehouse.errors import ForeignCommitFound
from lakehouse.gold.models import MODELS
from lakehouse.logs import logger
from lakehouse.refresh.table_setup import gold_tables, refreshed_tables
from lakehouse.spark.literals import lit
from lakehouse.spark.parallel import parallel_map

FOREIGN_COMMITS = "python scripts/Jobs_Spark/foreign_commits.py"
REFUSE_CHANGE = "python scripts/Jobs_Spark/refuse_change.py"
LAKE_TABLES: tuple[tuple[str, str], ...] = (
    *(("bronze", contract.table) for contract in CAPTURED),
    REFUSALS_TABLE,
    *refreshed_tables(),
)
JOURNAL = "runs"

log = logger("foreign_commits")


@dataclass(frozen=True)
class ForeignFindings:
    """The unresolved foreign commits at the start of a refresh."""

    commits: Sequence[ForeignCommit] = field(default_factory=list)

    @property
    def bronze(self) -> list[ForeignCommit]:
        return [one for one in self.commits if one.layer == "bronze"]

    @property
    def stopped_tables(self) -> frozenset[str]:
        """Return the captured tables of which nothing is merged and no figure is computed.

        They are all of them where the messages that are set aside are in doubt.
        """
        names = {one.name for one in self.bronze}
        everything = {contract.table for contract in CAPTURED}
        return frozenset(everything if REFUSALS_TABLE[1] in names else names)

    @property
    def gold_tables(self) -> frozenset[str]:
        return frozenset(one.name for one in self.commits if one.layer == "gold")

    def rebuilt_contracts(self) -> list[Contract]:
        """Return the contracts whose Silver is rebuilt: not those whose Bronze is in doubt."""
        affected = {contract.table for one in self._silver() for contract in _contracts_of(one)}
        return [one for one in CAPTURED if one.table in affected - self.stopped_tables]

    def rebuilt_tables(self, merged: Collection[str]) -> list[str]:
        """Return the tables of Silver that are right, once these captured tables are merged."""
        rebuilt = {contract.table for contract in self.rebuilt_contracts()} & {*merged}
        return sorted({one.name for one in self._silver() if {c.table for c in _contracts_of(one)} <= rebuilt})

    def _silver(self) -> list[ForeignCommit]:
        return [one for one in self.commits if one.layer == "silver"]


def find_in_lake(store: TableStore) -> ForeignFindings:
    """Check every table of the lake, and return what is foreign and not resolved."""
    return ForeignFindings(find_foreign_commits(store, LAKE_TABLES))


def all_in_lake(store: TableStore) -> list[ForeignCommit]:
    """Check every table of the lake, and return every foreign commit that was ever found, resolved or not."""
    return all_foreign_commits(store, LAKE_TABLES)


def reset_foreign_tables(lake: Lake, findings: ForeignFindings) -> None:
    """Empty the Silver of tables with a foreign commit, and put back the Gold tables that no run computes again.

    The next catch-up fills Silver. After a kill in between, the findings are still open.
    """
    if any(one.table == "silver/quarantine" for one in findings.commits):
        # The rebuild of a table replaces its own entries.
        is_ours = F.col("table_name").isin(*(contract.table for contract in CAPTURED))
        lake.table("silver", "quarantine").delete(~F.coalesce(is_ours, lit(False)))
    parallel_map(partial(reset_table, lake), findings.rebuilt_contracts())
    models = {model.name for model in MODELS}
    for name in sorted(findings.gold_tables - models):
        _put_back(lake, name, [one for one in findings.commits if one.table == f"gold/{name}"])


def resolve_rebuilt(store: TableStore, findings: ForeignFindings, results: Iterable[CatchUpResult]) -> None:
    """Resolve the findings of Silver whose tables are filled again: those with a result."""
    for name in findings.rebuilt_tables([result.table for result in results]):
        resolve_foreign_commits(store, "silver", name, "rebuilt from Bronze")


def ensure_none_meanwhile(store: TableStore, findings: ForeignFindings, results: Iterable[CatchUpResult]) -> None:
    """Raise ForeignCommitFound where another program wrote one of the merged tables during this refresh."""
    merged = [result.table for result in results if result.changes]
    tables = [("bronze", name) for name in merged]
    tables += [("silver", written) for name in merged for written in (name, f"{name}_versions")]
    if not tables:
        return
    earlier = {*findings.commits}
    found = [one for one in find_foreign_commits(store, tables) if one not in earlier and one.layer != "gold"]
    if found:
        raise ForeignCommitFound(
            "Another program wrote to the lake while this refresh ran; Gold is unchanged.\n"
            + "\n".join(str(one) for one in found)
            + f"\nRun it again, which repairs that or says what to do: {RUN_REFRESH}"
        )


def describe_bronze(findings: ForeignFindings) -> list[str]:
    """Return a sentence per foreign commit in Bronze, with its remedy."""
    return [
        f"{one} Nothing was merged from it. Look at what it wrote. To accept it: "
        f"{FOREIGN_COMMITS} --accept {one.table} --why TEXT. To get rid of it: {_how_to_remove(one)}. "
        f"Then: {RUN_REFRESH}"
        for one in findings.bronze
    ]


def _how_to_remove(foreign: ForeignCommit) -> str:
    folder = f"remove the folder {foreign.table} of the lake"
    if (foreign.layer, foreign.name) == REFUSALS_TABLE:
        return f"{folder}, and set each message aside again ({REFUSE_CHANGE})"
    return f"stop the stream processor, {folder}, and start the stream processor, which reads the topic again"


def _contracts_of(foreign: ForeignCommit) -> list[Contract]:
    """Return the contracts whose Silver a table belongs to: all of them for the quarantine."""
    return [
        contract
        for contract in CAPTURED
        if foreign.name in {contract.table, f"{contract.table}_versions", "quarantine"}
    ]


def _put_back(lake: Lake, name: str, foreign: Sequence[ForeignCommit]) -> None:
    """Replace the rows of a Gold table by those of its last own version.

    Where that version is gone the table is emptied, and its rows are computed when they are asked for again. The
    journal then stays as it is: nothing can make it again.
    """
    own_version = -1 if any(one.is_replacement for one in foreign) else min(one.first_version for one in foreign) - 1
    if own_version >= 0 and _try(lambda: _overwrite(lake, name, lake.read_version("gold", name, own_version))):
        _resolve(lake.store, name, f"put back to version {own_version}")
        return
    if name == JOURNAL:
        _resolve(lake.store, name, "left as it is: no earlier version of the journal can be read")
        return
    _overwrite(lake, name, lake.empty_frame(gold_tables()[name].schema))
    _resolve(lake.store, name, "emptied: no earlier version can be read; run its days or scenarios again")


def _overwrite(lake: Lake, name: str, rows: DataFrame) -> None:
    """Replace the rows of a Gold table by these, in the columns of its schema; those that they lack are NULL."""
    columns = [
        F.col(column) if column in rows.columns else lit(None).cast(kind).alias(column)
        for column, kind in gold_tables()[name].schema.items()
    ]
    lake.overwrite(rows.select(*columns), "gold", name)


def _resolve(store: TableStore, name: str, resolution: str) -> None:
    resolve_foreign_commits(store, "gold", name, resolution)
    log.warning("foreign_commit_repaired", table=f"gold/{name}", resolution=resolution)


def _try(write: Callable[[], None]) -> bool:
    """Return whether a write that reads an earlier version succeeded; its log or its files may be gone."""
    try:
        write()
    except (PySparkException, Py4JError):
        return False
    return True
