"""The proof of a run: what the report and the journal say of it, and the checksums without keys that are left out."""

from datetime import date, datetime, timezone
from decimal import Decimal

import pytest

from lakehouse.cdc.offsets import TopicPartition
from lakehouse.reconcile.checksums import subtract
from lakehouse.reconcile.table_comparison import TableResult
from lakehouse.refresh.proof import (
    NO_PROVED_CUT,
    NOT_WAITED,
    PROVED,
    RESTS_ON_CUT,
    UNVERIFIED,
    Proof,
    ProvedCut,
)
from lakehouse.refresh.refresh_report import show
from lakehouse.refresh.runs import Run
from lakehouse.source.consistent_cut import ConsistentCut, cut_from_json, cut_to_json

DAY = date(2026, 11, 29)
CUT: ConsistentCut = {"rh_employees": {TopicPartition(0, 0): 160}, "distance_cache": {}}
LATER_CUT: ConsistentCut = {"rh_employees": {TopicPartition(0, 0): 163}, "distance_cache": {TopicPartition(1, 0): 1}}
PROVED_CUT = ProvedCut(CUT, datetime(2026, 11, 29, 9, 30, tzinfo=timezone.utc))
RESULTS = [
    TableResult("rh_employees", 161, 161, refused=1),
    TableResult("strava_activities", 5_000_000, 5_000_000, is_checksum=False),
    TableResult("strava_activities", 50, 50),
]


def proof_of(state: str, cut: ProvedCut | None = None, results: list[TableResult] | None = None) -> Proof:
    proof = Proof(state, cut)
    proof.results = results or []
    return proof


@pytest.mark.parametrize(
    ("proof", "line"),
    [
        (
            proof_of(PROVED, PROVED_CUT, RESULTS),
            "Proved at 2026-11-29 09:30:00 UTC: 211 rows equal Postgres, and 5000000 counted.",
        ),
        (
            proof_of(PROVED, PROVED_CUT, RESULTS[:1]),
            "Proved at 2026-11-29 09:30:00 UTC: 161 rows equal Postgres.",
        ),
        (
            proof_of(RESTS_ON_CUT, PROVED_CUT),
            "Rests on the cut proved at 2026-11-29 09:30:00 UTC; 5 later changes are not proved.",
        ),
        (proof_of(NO_PROVED_CUT), "Not proved (no proved cut): Silver was not compared with Postgres."),
        (proof_of(UNVERIFIED), "Not proved (unverified): Silver was not compared with Postgres."),
        (proof_of(NOT_WAITED), "Not proved (not waited): Silver was not compared with Postgres."),
    ],
)
def test_report_says_what_was_compared_or_which_cut_the_figures_rest_on(
    proof: Proof, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show(Run(DAY, LATER_CUT, proof=proof), DAY)
    assert line in " ".join(capsys.readouterr().out.split())


def test_proof_counts_a_long_table_and_its_compared_rows_apart() -> None:
    assert proof_of(PROVED, PROVED_CUT, RESULTS).tables() == {
        "rh_employees": {"checksum": 161, "left_out": 1},
        "strava_activities": {"count": 5_000_000, "checksum": 50, "left_out": 0},
    }


def test_cut_is_the_same_after_its_way_through_the_journal() -> None:
    assert cut_from_json(cut_to_json(LATER_CUT)) == LATER_CUT


def test_checksums_without_some_rows_are_those_of_the_others() -> None:
    checksums = {"abc": (2, Decimal(30)), "def": (1, Decimal(7)), "fff": (1, Decimal(1))}
    excluded = {"abc": (1, Decimal(10)), "def": (1, Decimal(7))}
    assert subtract(checksums, excluded) == {"abc": (1, Decimal(20)), "fff": (1, Decimal(1))}
    assert subtract(checksums, {}) == checksums
