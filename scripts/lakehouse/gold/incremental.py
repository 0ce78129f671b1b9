"""Incremental computation of Gold tables: the baseline that they start from, and their rows (law 7)."""

from collections.abc import Iterable, Mapping
from datetime import date

from pyspark.sql import DataFrame

from lakehouse.cdc.lake import Lake
from lakehouse.gold.affected import affected_since
from lakehouse.gold.model import Model, conform
from lakehouse.gold.provenance import Provenance
from lakehouse.gold.rules import RuleBook


def baselines(
    stale: Iterable[str], current: Mapping[str, Provenance], previous: Mapping[str, Provenance | None]
) -> Mapping[str, Provenance]:
    """Return, for each stale table that may be computed incrementally, the provenance of its stored rows."""
    return {
        name: earlier
        for name in stale
        if (earlier := previous.get(name)) and current[name].can_be_incremental_from(earlier)
    }


def compute_incrementally(
    lake: Lake,
    as_of: date,
    book: RuleBook,
    models: Mapping[str, Model],
    incremental_from: Mapping[str, Provenance],
    max_affected: int,
) -> Mapping[str, DataFrame]:
    """Return the rows of the tables that can be computed incrementally; none where too many employees are affected.

    `incremental_from` maps a stale table to the provenance that its rows were computed from.
    """
    updates = {name: update for name in incremental_from if (update := models[name].incremental)}
    # The tables share one baseline, unless a run was killed between writing one of them and the next.
    shared = [
        *{
            (str(incremental_from[name].input_versions), incremental_from[name].day): incremental_from[name]
            for name in updates
        }.values()
    ]
    if len(shared) != 1 or (affected := affected_since(lake, shared[0], as_of, max_affected)) is None:
        return {}
    return {
        name: conform(update(lake.read("gold", name), affected, book), models[name].schema)
        for name, update in updates.items()
    }
