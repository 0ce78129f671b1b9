"""What a batch's messages alone do not tell: values that were left out, and deletes that no message names."""

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.changes import judge
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.examine import Facts
from lakehouse.cdc.sweeps import sweep
from lakehouse.cdc.unchanged import carry, follow, keys_to_know


def needs_more(facts: Facts, *, begun: bool) -> bool:
    """Say whether a batch is to be completed; the one snapshot that a table begins with has nothing to sweep away."""
    return facts.incomplete > 0 or (facts.sweeping > 0 and (begun or facts.snapshots > 1 or facts.others > 0))


def completed(changes: DataFrame, facts: Facts, versions: DataFrame, contract: Contract) -> DataFrame:
    """Give the changes with what they left out, judged by it, and with a delete for each row swept away."""
    if facts.sweeping:
        changes = computed(sweep(changes, versions, contract))
    if facts.incomplete:
        changes = computed(judge(_filled(changes, facts, versions, contract), contract))
    return changes


def computed(rows: DataFrame) -> DataFrame:
    """Give the rows, computed now and kept on disk where memory ends, with nothing left to plan.

    A cached plan would be compared with every plan that reads it, which here takes longer than the reading.
    """
    return rows.localCheckpoint(eager=True, storageLevel=StorageLevel.MEMORY_AND_DISK)


def _filled(changes: DataFrame, facts: Facts, versions: DataFrame, contract: Contract) -> DataFrame:
    keys = keys_to_know(changes, versions, contract, moved=facts.moved > 0)
    previous = computed(versions.join(F.broadcast(keys), [*contract.key], "semi"))
    filled, unknown = carry(changes, previous, contract), facts.incomplete
    # A row may have moved more than once; each round follows it by one key.
    while facts.moved:
        filled = computed(carry(follow(filled, previous, contract), previous, contract))
        left = filled.where(F.size("_unchanged") > 0).count()
        if left in {0, unknown}:
            break
        unknown = left
    return filled
