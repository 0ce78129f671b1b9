"""What held on a day, as it was known on another: Silver's versions, cut by both.

A row of HR's holds from `valable_depuis` on, or where it does not say from its commit; a fact about an activity, a
distance or a rule from always, for it has its own day or none. What was there at go-live was known and true before,
and so are the distances that were asked for on that day.
"""

from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.envelope import DELETE
from lakehouse.cdc.merge.implicit_deletes import initial_snapshot_lsn
from lakehouse.cdc.merge.ordering import with_commit_order
from lakehouse.cdc.merge.validation import is_effective
from lakehouse.cdc.schemas import LINEAGE_COLUMNS
from lakehouse.cdc.time_travel import replay
from lakehouse.clock import PARIS
from lakehouse.contracts import CAPTURED, DISTANCE_CACHE, REWARD_RULES, RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.gold.affected import ACTIVITY_COLUMNS
from lakehouse.gold.paris import end_of_day, wall_clock
from lakehouse.simulator.activity_table import GoLive


@dataclass(frozen=True)
class AsOf:
    """A day in Paris, and the last day whose knowledge counts."""

    as_of: date
    known_at: date

    def is_in_future(self, today: date) -> bool:
        """Say whether it is about a day that nothing is known of yet."""
        return max(self.as_of, self.known_at) > today


@dataclass(frozen=True)
class StateAsOf:
    """The rows that held on a day, with the contracts' columns; of activities those that figures need."""

    employees: DataFrame
    activities: DataFrame
    distances: DataFrame
    reward_rules: DataFrame


def state_as_of(lake: Lake, time_point: AsOf, go_live: GoLive | None, *, employee_id: int | None = None) -> StateAsOf:
    """Give what held, also of who has left since; activities that began later are there too.

    `of` is an employee's id, where only that one's rows are wanted; distances are everybody's.
    """

    def versions(contract: Contract, *columns: str) -> DataFrame:
        return versions_known_at(lake, contract, time_point.known_at, go_live).select(
            *columns, *LINEAGE_COLUMNS, "_reasons", "_before"
        )

    def effective(contract: Contract, *columns: str) -> DataFrame:
        return versions(contract, *columns).where(is_effective())

    employees, activities = (
        versions(RH_EMPLOYEES, *RH_EMPLOYEES.columns),
        effective(STRAVA_ACTIVITIES, *ACTIVITY_COLUMNS),
    )
    if employee_id is not None:
        # A delete says nothing but its key.
        employees = employees.where(F.col("id") == employee_id)
        activities = activities.join(F.broadcast(activity_ids_of(lake, employee_id)), "activity_id", "left_semi")
    employees = with_valid_from(employees).where(is_effective())
    activities = _cascade_deletes(activities, employees.where(F.col("_op") == DELETE))
    hired = F.coalesce(F.col("date_embauche") <= F.lit(time_point.as_of), F.lit(True))
    return StateAsOf(
        _as_of_day(employees, RH_EMPLOYEES, time_point.as_of).where(hired),
        _as_of_day(activities, STRAVA_ACTIVITIES, time_point.as_of),
        replay(effective(DISTANCE_CACHE, *DISTANCE_CACHE.columns), DISTANCE_CACHE),
        replay(effective(REWARD_RULES, *REWARD_RULES.columns), REWARD_RULES),
    )


def _cascade_deletes(activities: DataFrame, leavers: DataFrame) -> DataFrame:
    """Add `_since` to versions of activities: who leaves takes them along, and they were no mistake before."""
    # What a snapshot no longer finds has no commit: it is gone at the snapshot's place in the log.
    transaction = F.struct("_tx_id", "_commit_seq", F.when(F.col("_commit_seq").isNull(), F.col("_lsn")))
    leave_dates = leavers.groupBy(transaction.alias("_with")).agg(F.max("_since").alias("_left"))
    deleted_with_employee = transaction.eqNullSafe(F.col("_with")) & (F.col("_op") == DELETE)
    joined = activities.join(F.broadcast(leave_dates), deleted_with_employee, "left")
    return joined.select(*activities.columns, F.col("_left").alias("_since"))


def activity_ids_of(lake: Lake, employee_id: int) -> DataFrame:
    """Give the activity_id of every activity that was ever an employee's, refused ones included."""
    versions = lake.versions(STRAVA_ACTIVITIES).where(F.col("employee_id") == employee_id)
    return versions.select("activity_id").distinct()


def versions_known_at(lake: Lake, contract: Contract, day: date, go_live: GoLive | None) -> DataFrame:
    """Give a table's versions as of the end of a day in Paris, refused ones too; `_before`: known before all days.

    These are the rows that the lake's first snapshot found, and what was committed until go-live. Postgres's
    snapshots have no commit before them; the first one ended before any commit was streamed, of whatever table:
    some change once a year, and may be read anew before they do. A distance is asked for once its address is there,
    so the first ones come just after go-live; without them nobody would have had a commute before that day.
    """
    if go_live and contract is DISTANCE_CACHE:
        day = max(day, go_live.live_since.astimezone(PARIS).date())
    first_commit = lake.catalog.min_commit_lsn(CAPTURED)
    pre_go_live = initial_snapshot_lsn().isNotNull() & (
        F.lit(first_commit).isNull() | (F.col("_lsn") < F.lit(first_commit))
    )
    if go_live:
        pre_go_live |= (F.col("_committed_at") <= F.lit(go_live.live_since)) | (F.col("_tx_id") == F.lit(go_live.tx_id))
    versions = lake.versions(contract).withColumn("_before", F.coalesce(pre_go_live, F.lit(False)))
    return versions.where(F.col("_before") | (F.col("_committed_at") < end_of_day(F.lit(day))))


def with_valid_from(employees: DataFrame) -> DataFrame:
    """Add `_since`, the day that a version of an employee holds from; NULL for one that always did.

    A load that says since when tells it of leavers too: it changes their row just before it deletes it. So refused
    versions are to be there as well.
    """
    by_employee = Window.partitionBy(*RH_EMPLOYEES.key).orderBy("_order")

    def previous(name: str) -> Column:
        return F.lag(name).over(by_employee)

    # What a snapshot found, or found gone, is no transaction: its commit is NULL, and equals none.
    same_commit = previous("_tx_id").eqNullSafe(F.col("_tx_id")) & (previous("_commit_seq") == F.col("_commit_seq"))
    declared = F.when(F.col("_op") != DELETE, F.col("valable_depuis")).when(same_commit, previous("valable_depuis"))
    valid_from = F.when(~F.col("_before"), F.coalesce(declared, F.to_date(wall_clock(F.col("_committed_at")))))
    return with_commit_order(employees, RH_EMPLOYEES.key).withColumn("_since", valid_from).drop("_order")


def _as_of_day(versions: DataFrame, contract: Contract, day: date) -> DataFrame:
    """Give the rows by what was told last of those that held by a day: what is told later is told of all days since."""
    return replay(versions.where(F.coalesce(F.col("_since") <= F.lit(day), F.lit(True))), contract)
