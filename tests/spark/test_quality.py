"""The quality model counts refusals and shows no refused value."""

from datetime import date

from pyspark.sql import SparkSession

from lakehouse.cdc.schemas import QUARANTINE
from lakehouse.gold.quality import QUALITE_DONNEES
from spark.builders import RULES, Fields, collect_by_key, rule_book, utc
from spark.columns import to_ddl


def quarantine_entry(
    committed_at: str | None,
    *reasons: str,
    resolved_at: str | None = None,
    table: str = "strava_activities",
    subject: str | None = None,
) -> Fields:
    return {
        "table_name": table,
        "key": '{"activity_id":1}',
        "value": '{"name":"secret"}',
        "reasons": list(reasons) or None,
        "committed_at": committed_at and utc(committed_at),
        "resolved_at": resolved_at and utc(resolved_at),
        "subject": subject,
    }


def test_quarantine_is_counted_by_table_reason_and_state_without_row_values(spark: SparkSession) -> None:
    rows = [
        quarantine_entry("2026-01-01 10:00", "distance négative", "vitesse impossible"),
        quarantine_entry("2026-07-01 10:00", "distance négative"),
        quarantine_entry("2026-03-01 10:00", "distance négative", resolved_at="2026-03-02 10:00"),
        quarantine_entry("2026-03-01 10:00", "distance négative", table="distance_cache"),
        quarantine_entry(None),
    ]
    quarantine = spark.createDataFrame(rows, to_ddl(QUARANTINE))
    frame = QUALITE_DONNEES.rows({"quarantine": quarantine}, rule_book(RULES), date(2026, 7, 1))
    assert (frame.columns, dict(frame.dtypes)) == (list(QUALITE_DONNEES.schema), dict(QUALITE_DONNEES.schema))
    rows_by_key = collect_by_key(frame, "table_source", "motif", "etat")
    counts = {tuple(row)[:3]: tuple(row)[3:6] for row in rows_by_key.values()}
    assert counts == {
        ("strava_activities", "distance négative", "ouvert"): (2, "2026-01-01 11:00:00", "2026-07-01 12:00:00"),
        ("strava_activities", "vitesse impossible", "ouvert"): (1, "2026-01-01 11:00:00", "2026-01-01 11:00:00"),
        ("strava_activities", "distance négative", "clos"): (1, "2026-03-01 11:00:00", "2026-03-01 11:00:00"),
        ("distance_cache", "distance négative", "ouvert"): (1, "2026-03-01 11:00:00", "2026-03-01 11:00:00"),
        ("strava_activities", None, "ouvert"): (1, None, None),
    }
    assert "secret" not in str(frame.collect())


def test_open_refusals_name_their_employees_and_neither_resolved_ones_nor_addresses(spark: SparkSession) -> None:
    rows = [
        quarantine_entry("2026-01-01 10:00", "distance négative", subject="59019"),
        quarantine_entry("2026-01-02 10:00", "distance négative", subject="100"),
        quarantine_entry("2026-01-03 10:00", "distance négative", subject="59019"),
        quarantine_entry("2026-01-04 10:00", "distance négative", subject=None),
        quarantine_entry("2026-01-05 10:00", "distance négative", subject="7", resolved_at="2026-03-02 10:00"),
        quarantine_entry("2026-01-06 10:00", "distance négative", table="distance_cache", subject="1 rue X"),
        *(quarantine_entry("2026-01-07 10:00", "salaire absent", subject=str(key)) for key in range(102)),
    ]
    quarantine = spark.createDataFrame(rows, to_ddl(QUARANTINE))
    frame = QUALITE_DONNEES.rows({"quarantine": quarantine}, rule_book(RULES), date(2026, 7, 1))
    named = {(row.table_source, row.motif, row.etat): row.salaries for row in frame.collect()}
    assert named.pop(("strava_activities", "salaire absent", "ouvert")).endswith("98, 99 et 2 autres")
    assert named == {
        ("strava_activities", "distance négative", "ouvert"): "100, 59019",
        ("strava_activities", "distance négative", "clos"): None,
        ("distance_cache", "distance négative", "ouvert"): None,
    }
