"""Refused changes behind an employee's figures, which rest on earlier versions of these rows."""

from collections.abc import Iterator

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.ordering import with_commit_order
from lakehouse.cdc.schemas import LINEAGE_COLUMNS
from lakehouse.contracts import (
    DISTANCE_CACHE,
    REWARD_RULES,
    RH_EMPLOYEES,
    SPORT_ACTIVITIES,
    STRAVA_ACTIVITIES,
    TRAVEL_MODES,
)
from lakehouse.contracts.ops import GoLive
from lakehouse.gold.bitemporal import AsOf, activity_ids_of, versions_known_at
from lakehouse.gold.paris import format_paris_time
from lakehouse.gold.rules import Rules
from lakehouse.spark.literals import lit


def refusals_behind(lake: Lake, employee: Row, rules: Rules, time_point: AsOf, go_live: GoLive | None) -> list[Row]:
    """Return the latest known version of each row behind an employee's figures where that version is refused.

    Each has the table, the row's key as text, the reasons, the moment in Paris, and LINEAGE_COLUMNS.
    """

    def versions(contract: Contract) -> DataFrame:
        return versions_known_at(lake, contract, time_point.known_at, go_live)

    commute = (
        (F.col("origin_address") == employee.adresse_complete)
        & (F.col("destination_address") == rules.destination)
        & (F.col("travel_mode") == TRAVEL_MODES.get(employee.moyen_deplacement))
    )
    commutes = versions(DISTANCE_CACHE).where(commute).select("id").distinct()
    is_own = F.col("id") == employee.id
    return [
        *_refused(versions(RH_EMPLOYEES).where(is_own), RH_EMPLOYEES),
        *_refused(versions(SPORT_ACTIVITIES).where(is_own), SPORT_ACTIVITIES),
        *_refused(versions(DISTANCE_CACHE).join(commutes, "id", "left_semi"), DISTANCE_CACHE),
        *_refused(versions(REWARD_RULES).where(F.col("valid_from") <= lit(time_point.valid_at)), REWARD_RULES),
        *_refused(
            versions(STRAVA_ACTIVITIES).join(F.broadcast(activity_ids_of(lake, employee.id)), "activity_id", "semi"),
            STRAVA_ACTIVITIES,
        ),
    ]


def _refused(versions: DataFrame, contract: Contract) -> Iterator[Row]:
    """Yield the keys whose latest version is refused."""
    row = F.struct("_reasons", *LINEAGE_COLUMNS)
    latest = (
        with_commit_order(versions, contract.key).groupBy(*contract.key).agg(F.max_by(row, "_order").alias("latest"))
    )
    yield from (
        latest.where(F.size("latest._reasons") > 0)
        .select(lit(contract.table).alias("table"), _key_text(contract).alias("key"), "latest.*")
        .withColumn("moment", format_paris_time(F.col("_committed_at")))
        .orderBy("_committed_at", "key")
        .collect()
    )


def _key_text(contract: Contract) -> Column:
    return F.concat_ws(", ", *(F.concat(lit(f"{name} "), F.col(name).cast("string")) for name in contract.key))
