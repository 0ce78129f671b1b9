"""Refusals are counted without a word of what was refused."""

from pyspark.sql import SparkSession

from lakehouse.cdc.tables import QUARANTINE
from lakehouse.gold.quality import quality
from lakehouse.gold.tables import QUALITE_DONNEES
from spark.builders import Fields, collected, utc
from spark.columns import ddl


def refused(at: str | None, *reasons: str, closed: str | None = None, table: str = "strava_activities") -> Fields:
    return {
        "table_name": table,
        "key": '{"activity_id":1}',
        "value": '{"name":"secret"}',
        "reasons": list(reasons) or None,
        "committed_at": at and utc(at),
        "closed_at": closed and utc(closed),
    }


def test_refusals_by_table_reason_and_state_with_first_and_last_day_of_paris(spark: SparkSession) -> None:
    rows = [
        refused("2026-01-01 10:00", "distance négative", "vitesse impossible"),
        refused("2026-07-01 10:00", "distance négative"),
        refused("2026-03-01 10:00", "distance négative", closed="2026-03-02 10:00"),
        refused("2026-03-01 10:00", "distance négative", table="distance_cache"),
        refused(None),
    ]
    frame = quality(spark.createDataFrame(rows, ddl(QUARANTINE)))
    assert (frame.columns, dict(frame.dtypes)) == (list(QUALITE_DONNEES), dict(QUALITE_DONNEES))
    counts = {tuple(row)[:3]: tuple(row)[3:] for row in collected(frame, "table_source", "motif", "etat").values()}
    assert counts == {
        ("strava_activities", "distance négative", "ouvert"): (2, "2026-01-01 11:00:00", "2026-07-01 12:00:00"),
        ("strava_activities", "vitesse impossible", "ouvert"): (1, "2026-01-01 11:00:00", "2026-01-01 11:00:00"),
        ("strava_activities", "distance négative", "clos"): (1, "2026-03-01 11:00:00", "2026-03-01 11:00:00"),
        ("distance_cache", "distance négative", "ouvert"): (1, "2026-03-01 11:00:00", "2026-03-01 11:00:00"),
        ("strava_activities", None, "ouvert"): (1, None, None),
    }
    assert "secret" not in str(frame.collect())
