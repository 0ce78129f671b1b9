"""Company-wide totals of the figures, compared before and after a refresh for gold.runs."""

from collections.abc import Mapping
from decimal import Decimal

from lakehouse.cdc import table_query
from lakehouse.cdc.table_store import TableStore

Totals = Mapping[str, int | Decimal]


def totals(store: TableStore, primes: str, days: str, where: str = "true") -> Totals:
    """Return the totals of v_kpi, over the rows of a primes table and a wellbeing-days table that meet a condition."""
    query = f"""
        SELECT count(*) AS nb_salaries,
          count(*) FILTER (WHERE p.eligible) AS nb_primes,
          coalesce(sum(p.montant_prime), 0) AS cout_primes,
          count(*) FILTER (WHERE w.eligible) AS nb_bien_etre,
          coalesce(sum(w.jours_bien_etre), 0) AS jours_bien_etre,
          count(*) FILTER (WHERE w.nb_activities_year > 0) AS nb_participants
        FROM (SELECT * FROM primes WHERE {where}) AS p
        LEFT JOIN (SELECT * FROM days WHERE {where}) AS w ON w.employee_id = p.employee_id AND w.year = p.year
    """  # noqa: S608 - table names and dates come from this code
    return table_query.query_one(store, query, primes=("gold", primes), days=("gold", days))


def changed_beyond(before: Totals, after: Totals, threshold: float) -> Mapping[str, float]:
    """Return the relative change of each total that changed by more than `threshold`, a fraction of its old value.

    A total that was 0 counts as changed by 100 %.
    """
    if not before.get("nb_salaries"):
        return {}  # the first figures: nothing to compare with
    shares = {name: _relative_change(before[name], now) for name, now in after.items()}
    return {name: share for name, share in shares.items() if abs(share) > threshold}


def _relative_change(before: int | Decimal, now: int | Decimal) -> float:
    if before == now:
        return 0.0
    return float((now - before) / before) if before else 1.0
