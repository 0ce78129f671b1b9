"""A lake whose commits to Bronze carry the stream's lease, for a stream and for a repair."""

from dataclasses import replace
from functools import partial

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.fence import LeasedStamps, fence_table
from lakehouse.cdc.lake import Lake
from lakehouse.source.lease import Lease


def fence_bronze(lake: Lake, lease: Lease, contract: Contract) -> Lake:
    """Acquire the lease unless it is held, fence the contract's Bronze table, and return the lake that writes by it.

    Raises LakehouseError where another process has the lease.
    """
    number = lease.acquire()
    writer = lease.writer(number)
    fence_table(lake.store, "bronze", contract.table, writer)
    stamps = LeasedStamps(lake.store, writer)
    return replace(lake, pre_commit_check=partial(lease.ensure_held, number), stamps=stamps)
