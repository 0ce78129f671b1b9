"""Tables whose offsets are not each there once, as findings that stop the figures which read them (law 1)."""

from collections.abc import Sequence
from functools import partial

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.offset_check import find_offset_problems, prove_offsets
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.errors import OffsetMismatch
from lakehouse.source.capture_settings import Finding
from lakehouse.spark.parallel import parallel_map


def offset_findings(store: TableStore, contracts: Sequence[Contract] = CAPTURED) -> list[Finding]:
    """Return a finding for each irregular table, from the files' statistics; the caller has the refresh's lease."""
    problems = parallel_map(partial(prove_offsets, store), contracts)
    return [
        Finding(f"{contract.schema}.{contract.table}", problem.finding, problem.remedy, loses_changes=False)
        for contract, found in zip(contracts, problems, strict=True)
        for problem in found
    ]


def offset_errors(store: TableStore, contracts: Sequence[Contract] = CAPTURED) -> list[tuple[str, OffsetMismatch]]:
    """Return an error for each irregular table by its name, from all offsets that it has."""
    return [
        (problem.table, OffsetMismatch(str(problem)))
        for contract in contracts
        for problem in find_offset_problems(store, contract, read_all=True)
    ]
