"""A proof without Postgres, that records the calls of a refresh."""

from datetime import datetime, timezone

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.errors import SilverDiffers
from lakehouse.reconcile.table_comparison import TableResult
from lakehouse.refresh.proof import DIFFERS, PROVED, EmployeesToProve, Proof, ProvedCut
from lakehouse.source.consistent_cut import ConsistentCut

PROVED_AT = datetime(2026, 6, 10, 9, 30, tzinfo=timezone.utc)


class RecordingProof(Proof):
    """A proof that compares nothing with Postgres, records what it is given, and may find a difference."""

    def __init__(self, *, differs: bool = False) -> None:
        super().__init__()
        self.differs = differs
        self.tables_read: set[str] = set()
        self.employee_ids: list[int] | None = None

    def read_silver(self, lake: Lake, contract: Contract) -> None:  # noqa: ARG002 - of the proof that it stands for
        self.tables_read.add(contract.table)

    def ensure_equal(self, cut: ConsistentCut, employees: EmployeesToProve) -> None:
        ids = employees()
        self.employee_ids = None if ids is None else [*ids]
        if self.differs:
            self.state = DIFFERS
            raise SilverDiffers("rh_employees id=1: differs in salaire_brut")
        self.state, self.cut = PROVED, ProvedCut(cut, PROVED_AT)
        self.results = [TableResult("rh_employees", 2, 2)]
