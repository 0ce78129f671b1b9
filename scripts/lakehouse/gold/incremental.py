"""Incremental computation of Gold tables: the baseline that they start from, and their rows (law 7)."""

from collections.abc import Iterable, Mapping
from datetime import date

from pyspark.sql import DataFrame

from lakehouse.cdc.lake import Lake
from lakehouse.gold.affected import AffectedEmployees, affected_since
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


def find_affected(
    lake: Lake,
    as_of: date,
    models: Mapping[str, Model],
    incremental_from: Mapping[str, Provenance],
    max_affected: int,
) -> AffectedEmployees | None:
    """Return whom the changes since the stale tables' baseline affect; None where too many are, or nobody knows.

    `incremental_from` maps a stale table to the provenance that its rows were computed from.
    """
    # The tables share one baseline, unless a run was killed between writing one of them and the next.
    shared = [
        *{
            (str(provenance.input_versions), provenance.day): provenance
            for name, provenance in incremental_from.items()
            if models[name].incremental
        }.values()
    ]
    return affected_since(lake, shared[0], as_of, max_affected) if len(shared) == 1 else None


def compute_incrementally(
    lake: Lake,
    book: RuleBook,
    models: Mapping[str, Model],
    incremental_from: Mapping[str, Provenance],
    affected: AffectedEmployees,
) -> Mapping[str, DataFrame]:
    """Return the rows of the stale tables that can be computed from their own and those of the affected employees."""
    updates = {name: update for name in incremental_from if (update := models[name].incremental)}
    return {
        name: conform(update(lake.read("gold", name), affected, book), models[name].schema)
        for name, update in updates.items()
    }
