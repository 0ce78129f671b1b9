"""Differences between Postgres and Silver, by key and column, never with a value."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lakehouse.reconcile.checksums import BucketChecksums, RowHashes


@dataclass(frozen=True)
class Difference:
    """A differing key: its canonical text, its readable label, and what differs."""

    key: str
    label: str
    description: str

    def __str__(self) -> str:
        return f"{self.label}: {self.description}"


def differing_buckets(source: BucketChecksums, silver: BucketChecksums) -> list[str]:
    """Return the buckets whose row counts or hash sums differ, sorted."""
    return sorted(bucket for bucket in {*source, *silver} if source.get(bucket) != silver.get(bucket))


def describe_differences(
    source: Iterable[RowHashes], silver: Iterable[RowHashes], columns: Sequence[str]
) -> list[Difference]:
    """Return each differing key, in key order: missing, duplicated, or with the columns that differ."""
    source_by_key, silver_by_key = _group_by_key(source), _group_by_key(silver)
    descriptions = {
        key: _describe_difference(source_by_key[key], silver_by_key[key], columns)
        for key in {*source_by_key, *silver_by_key}
    }
    labels = {key: (source_by_key[key] or silver_by_key[key])[0].label for key in descriptions}
    return [
        Difference(key, labels[key], descriptions[key])
        for key in sorted(descriptions, key=lambda key: _natural_order(labels[key]))
        if descriptions[key]
    ]


def _describe_difference(source: Sequence[RowHashes], silver: Sequence[RowHashes], columns: Sequence[str]) -> str:
    if not silver:
        return "only in Postgres"
    if not source:
        return "only in Silver"
    if len(silver) > 1:
        return f"{len(silver)} times in Silver"
    pairs = zip(columns, source[0].hashes, silver[0].hashes, strict=True)
    differing_columns = [name for name, source_hash, silver_hash in pairs if source_hash != silver_hash]
    return f"differs in {', '.join(differing_columns)}" if differing_columns else ""


def _group_by_key(rows: Iterable[RowHashes]) -> Mapping[str, list[RowHashes]]:
    groups: dict[str, list[RowHashes]] = defaultdict(list)
    for row in rows:
        groups[row.key].append(row)
    return groups


def _natural_order(label: str) -> tuple[int, str]:
    """Return a sort key that orders numbers by value: 9 before 10."""
    return len(label), label
