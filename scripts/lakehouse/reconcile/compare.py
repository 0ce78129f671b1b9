"""What differs between two sides, by key and column, and never with a value."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from lakehouse.reconcile.sums import Row, Sums


def differing(source: Sums, silver: Sums) -> list[str]:
    """Give the buckets whose counts or sums differ."""
    return sorted(bucket for bucket in {*source, *silver} if source.get(bucket) != silver.get(bucket))


def differences(source: Iterable[Row], silver: Iterable[Row], columns: Sequence[str]) -> list[str]:
    """Say for each key that is not alike on both sides what it is; in the order of the keys."""
    held, captured = _by_key(source), _by_key(silver)
    said = {key: _difference(held[key], captured[key], columns) for key in {*held, *captured}}
    labels = {key: (held[key] or captured[key])[0].label for key in said}
    return [f"{labels[key]}: {said[key]}" for key in sorted(said, key=lambda key: _natural(labels[key])) if said[key]]


def _difference(source: Sequence[Row], silver: Sequence[Row], columns: Sequence[str]) -> str:
    if not silver:
        return "only in Postgres"
    if not source:
        return "only in Silver"
    if len(silver) > 1:
        return f"{len(silver)} times in Silver"
    pairs = zip(columns, source[0].hashes, silver[0].hashes, strict=True)
    others = [name for name, one, other in pairs if one != other]
    return f"differs in {', '.join(others)}" if others else ""


def _by_key(rows: Iterable[Row]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.key].append(row)
    return found


def _natural(label: str) -> tuple[int, str]:
    """Order numbers by size: 9 before 10."""
    return len(label), label
