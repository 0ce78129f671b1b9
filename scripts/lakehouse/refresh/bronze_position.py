"""Where Bronze stands, as its tables' logs say without Spark: cheap enough to be asked every second."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from lakehouse.cdc import commit_log, table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.offsets import Offsets
from lakehouse.cdc.table_store import TableStore
from lakehouse.source.consistent_cut import ConsistentCut


@dataclass(frozen=True)
class BronzePosition:
    """What current figures follow from: Bronze's last offsets, how often its gaps were filled, and the day."""

    day: date
    offsets: ConsistentCut
    refills: Mapping[str, int]


class PositionReader:
    """A reader that opens a table only where its log has another version than at the last call.

    On a local disk the version is in the names of the log's files: five tables take less than a millisecond. A fence,
    a compaction or a property has a version of its own, and leaves the position what it was.
    """

    def __init__(self, store: TableStore, contracts: Sequence[Contract], today: Callable[[], date]) -> None:
        self._store, self._contracts, self._today = store, contracts, today
        self._last: dict[str, tuple[int, Offsets, int]] = {}

    def read(self) -> BronzePosition:
        for contract in self._contracts:
            # Before the table is opened: a commit in between is seen by the next call.
            version = self._store.latest_version("bronze", contract.table)
            if self._last.get(contract.table, (None,))[0] != version:
                self._last[contract.table] = version, *self._read_table(contract, version)
        return BronzePosition(
            self._today(),
            {table: offsets for table, (_, offsets, _) in self._last.items()},
            {table: refills for table, (_, _, refills) in self._last.items()},
        )

    def _read_table(self, contract: Contract, version: int) -> tuple[Offsets, int]:
        if version < 0:
            return {}, 0
        return table_stats.bronze_offsets(self._store, contract), commit_log.refill_count(self._store, contract)
