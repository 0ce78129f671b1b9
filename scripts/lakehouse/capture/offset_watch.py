"""Watch of law 1 by the stream: an irregular table is reported until it is mended, and its stream runs on."""

import time
from collections.abc import Callable

from deltalake.exceptions import DeltaError

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.offset_check import find_offset_problems
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import OffsetMismatch

WATCH_INTERVAL_S = 15.0


class OffsetWatch:
    """The tables to look at: each one whose stream has started, then each one in which something was found."""

    def __init__(self, store: TableStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._due: dict[str, tuple[Contract, float]] = {}
        self._findings: dict[str, str] = {}

    def add(self, contract: Contract) -> None:
        """Have the table looked at by the next `ensure_regular`."""
        self._due[contract.table] = contract, self._clock()

    def ensure_regular(self) -> None:
        """Look at the tables that are due. Raises OffsetMismatch as long as one is irregular."""
        for table, (contract, due_at) in [*self._due.items()]:
            if self._clock() < due_at:
                continue
            if finding := self._look(contract):
                self._findings[table] = finding
                self._due[table] = contract, self._clock() + WATCH_INTERVAL_S
            else:
                self._findings.pop(table, None)
                del self._due[table]
        if self._findings:
            raise OffsetMismatch("\n".join(self._findings.values()))

    def _look(self, contract: Contract) -> str:
        try:
            return "\n".join(map(str, find_offset_problems(self._store, contract)))
        except (DeltaError, OSError) as error:
            return f"the offsets of {contract.table} could not be compared ({type(error).__name__}); it is tried again."
