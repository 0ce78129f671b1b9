"""Company-wide totals of the figures, compared before and after a refresh for gold.runs."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from lakehouse.cdc import table_query
from lakehouse.cdc.table_store import TableStore
from lakehouse.gold.as_of_columns import AS_OF_SUFFIX
from lakehouse.gold.bitemporal import AsOf
from lakehouse.gold.model import Model
from lakehouse.gold.models import MODELS
from lakehouse.gold.views import VIEWS_DIR, load_views

Totals = Mapping[str, int | Decimal]
GOLD_TABLE = re.compile(r"delta\.`[^`]*/gold/(\w+)`")


def totals(
    store: TableStore,
    models: Sequence[Model] = MODELS,
    time_point: AsOf | None = None,
    views_dir: Path = VIEWS_DIR,
) -> Totals:
    """Return the models' totals: 0 each over empty tables.

    They are those of the views' row 'Total', of the current figures or of those as of a time point. The view's own
    query computes them, in this process: Spark would need a job.
    """
    columns: dict[str, list[str]] = {}
    for model in models:
        for view, names in model.totals.items():
            columns.setdefault(view, []).extend(names)
    queries = {view.name.removeprefix("gold."): view.query for view in load_views("", views_dir)}
    suffix = AS_OF_SUFFIX if time_point else ""
    predicate = time_point.predicate() if time_point else "true"
    return {
        name: total
        for view, names in columns.items()
        for name, total in _total_row(store, queries[view + suffix], names, predicate).items()
    }


def _total_row(store: TableStore, view_query: str, columns: Sequence[str], predicate: str) -> Totals:
    # A unit named Total has a part of the total at most, so that the greatest of both is the total.
    selected = ", ".join(f"coalesce(max({name}), 0) AS {name}" for name in columns)
    rows = GOLD_TABLE.sub(rf"(SELECT * FROM \1 WHERE {predicate})", view_query)  # noqa: S608 - names of our own
    query = f"SELECT {selected} FROM ({rows}) WHERE business_unit = 'Total'"  # noqa: S608 - the project's own views
    tables = {name: ("gold", name) for name in GOLD_TABLE.findall(view_query)}
    return table_query.query_one(store, query, **tables)


def changed_beyond(before: Totals, after: Totals, threshold: float) -> Mapping[str, float]:
    """Return the relative change of each total that changed by more than `threshold`, a fraction of its old value.

    A total that was 0 counts as changed by 100 %. One of a figure that is new has nothing to be compared with.
    """
    if not before.get("nb_salaries"):
        return {}  # the first figures: nothing to compare with
    shares = {name: _relative_change(before[name], now) for name, now in after.items() if name in before}
    return {name: share for name, share in shares.items() if abs(share) > threshold}


def _relative_change(before: int | Decimal, now: int | Decimal) -> float:
    if before == now:
        return 0.0
    return float((now - before) / before) if before else 1.0
