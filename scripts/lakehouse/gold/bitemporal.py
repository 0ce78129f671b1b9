"""Bitemporal state: Silver's rows as valid on one day, as known at the end of another.

A version of an employee is valid from `valable_depuis`, or from the day of its commit where that is NULL. Other
versions are valid on every day: an activity and a rule carry their own date, a distance none. Only the delete of a
leaver's activities is valid from the day of leaving. Rows that existed at go-live count as known and valid on every
day before it. So do distances that arrived on the day of go-live.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc import table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.envelope import DELETE
from lakehouse.cdc.merge.ordering import with_commit_order
from lakehouse.cdc.merge.predicates import initial_snapshot_lsn, is_effective
from lakehouse.cdc.schemas import LINEAGE_COLUMNS
from lakehouse.cdc.time_travel import replay
from lakehouse.clock import PARIS
from lakehouse.contracts import CAPTURED, DISTANCE_CACHE, REWARD_RULES, RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.contracts.ops import GoLive
from lakehouse.gold.affected import ACTIVITY_INPUT_COLUMNS
from lakehouse.gold.as_of_columns import AS_OF_COLUMNS
from lakehouse.gold.paris import end_of_day, wall_clock
from lakehouse.spark.literals import lit


@dataclass(frozen=True)
class AsOf:
    """The two days of a bitemporal query, in Paris: rows valid on one, from commits up to the end of the other."""

    valid_at: date
    known_at: date

    def is_in_future(self, today: date) -> bool:
        """Return whether either day lies after `today`."""
        return max(self.valid_at, self.known_at) > today

    def columns(self) -> Mapping[str, date]:
        """Return the values of AS_OF_COLUMNS for figures as of this time point."""
        return dict(zip(AS_OF_COLUMNS, (self.valid_at, self.known_at), strict=True))

    def predicate(self) -> str:
        """Return the SQL condition of the rows as of this time point."""
        return " AND ".join(f"{name} = DATE '{day}'" for name, day in self.columns().items())


@dataclass(frozen=True)
class StateAsOf:
    """The rows valid on a day, with their contracts' columns; activities have ACTIVITY_INPUT_COLUMNS only."""

    employees: DataFrame
    activities: DataFrame
    distances: DataFrame
    reward_rules: DataFrame

    def by_table(self) -> Mapping[str, DataFrame]:
        """Return the rows by the name of their Silver table, as models take them."""
        return {
            RH_EMPLOYEES.table: self.employees,
            STRAVA_ACTIVITIES.table: self.activities,
            DISTANCE_CACHE.table: self.distances,
            REWARD_RULES.table: self.reward_rules,
        }


def state_as_of(lake: Lake, time_point: AsOf, go_live: GoLive | None, *, employee_id: int | None = None) -> StateAsOf:
    """Return the bitemporal state at a time point; activities that start after its day are not filtered out.

    Employees who left later are included. `employee_id` restricts employees and activities to one employee;
    distances are not restricted.
    """

    def versions(contract: Contract, *columns: str) -> DataFrame:
        return versions_known_at(lake, contract, time_point.known_at, go_live).select(
            *columns, *LINEAGE_COLUMNS, "_reasons", "_pre_go_live"
        )

    def effective(contract: Contract, *columns: str) -> DataFrame:
        return versions(contract, *columns).where(is_effective())

    employees, activities = (
        versions(RH_EMPLOYEES, *RH_EMPLOYEES.columns),
        effective(STRAVA_ACTIVITIES, *ACTIVITY_INPUT_COLUMNS),
    )
    if employee_id is not None:
        # A delete carries its key only, so activities are selected by the ids that the employee ever had.
        employees = employees.where(F.col("id") == employee_id)
        activities = activities.join(F.broadcast(activity_ids_of(lake, employee_id)), "activity_id", "left_semi")
    employees = with_valid_from(employees).where(is_effective())
    activities = _cascade_deletes(activities, employees.where(F.col("_op") == DELETE))
    hired = F.coalesce(F.col("date_embauche") <= lit(time_point.valid_at), lit(True))
    return StateAsOf(
        _as_of_day(employees, RH_EMPLOYEES, time_point.valid_at).where(hired),
        _as_of_day(activities, STRAVA_ACTIVITIES, time_point.valid_at),
        replay(effective(DISTANCE_CACHE, *DISTANCE_CACHE.columns), DISTANCE_CACHE),
        replay(effective(REWARD_RULES, *REWARD_RULES.columns), REWARD_RULES),
    )


def _cascade_deletes(activities: DataFrame, leavers: DataFrame) -> DataFrame:
    """Add `_valid_from` to versions of activities: the day of leaving for deletes in a leaver's transaction, else NULL.

    An activity that is deleted with its employee stays valid until then; one deleted alone never was valid.
    """
    # Implicit deletes of a snapshot have no commit; the snapshot's LSN takes its place.
    transaction = F.struct("_tx_id", "_last_commit_lsn", F.when(F.col("_last_commit_lsn").isNull(), F.col("_lsn")))
    leave_dates = leavers.groupBy(transaction.alias("_transaction")).agg(F.max("_valid_from").alias("_leave_date"))
    deleted_with_employee = transaction.eqNullSafe(F.col("_transaction")) & (F.col("_op") == DELETE)
    joined = activities.join(F.broadcast(leave_dates), deleted_with_employee, "left")
    return joined.select(*activities.columns, F.col("_leave_date").alias("_valid_from"))


def activity_ids_of(lake: Lake, employee_id: int) -> DataFrame:
    """Return the activity_id of every activity that ever belonged to an employee, from refused versions too."""
    versions = lake.versions(STRAVA_ACTIVITIES).where(F.col("employee_id") == employee_id)
    return versions.select("activity_id").distinct()


def versions_known_at(lake: Lake, contract: Contract, day: date, go_live: GoLive | None) -> DataFrame:
    """Return a table's versions committed by the end of a day in Paris, refused ones included.

    `_pre_go_live` marks versions known on every day: rows of the lake's first snapshot, and commits up to go-live.
    A row of the first snapshot has an LSN below the first streamed commit of all tables. The table's own first commit
    is no bound: some tables change once a year, and may be re-snapshot before they do. Distances are computed after
    their addresses arrive, so those of the day of go-live are always included. Without them no employee would have a
    commute before that day.
    """
    if go_live and contract is DISTANCE_CACHE:
        day = max(day, go_live.live_since.astimezone(PARIS).date())
    first_commit = table_stats.min_commit_lsn(lake.store, CAPTURED)
    pre_go_live = initial_snapshot_lsn().isNotNull() & (
        lit(first_commit).isNull() | (F.col("_lsn") < lit(first_commit))
    )
    if go_live:
        pre_go_live |= (F.col("_committed_at") <= lit(go_live.live_since)) | (F.col("_tx_id") == lit(go_live.tx_id))
    versions = lake.versions(contract).withColumn("_pre_go_live", F.coalesce(pre_go_live, lit(False)))
    return versions.where(F.col("_pre_go_live") | (F.col("_committed_at") < end_of_day(lit(day))))


def with_valid_from(employees: DataFrame) -> DataFrame:
    """Add `_valid_from`: the day from which a version of an employee is valid; NULL where it always was.

    A load with an effective date first updates a leaver's row, then deletes it in the same commit. A delete therefore
    takes `valable_depuis` from the version before it, so the input must include refused versions.
    """
    by_employee = Window.partitionBy(*RH_EMPLOYEES.key).orderBy("_order")

    def previous(name: str) -> Column:
        return F.lag(name).over(by_employee)

    # A snapshot's rows and implicit deletes have no transaction: their NULL commit equals no other.
    same_commit = previous("_tx_id").eqNullSafe(F.col("_tx_id")) & (
        previous("_last_commit_lsn") == F.col("_last_commit_lsn")
    )
    declared = F.when(F.col("_op") != DELETE, F.col("valable_depuis")).when(same_commit, previous("valable_depuis"))
    valid_from = F.when(~F.col("_pre_go_live"), F.coalesce(declared, F.to_date(wall_clock(F.col("_committed_at")))))
    return with_commit_order(employees, RH_EMPLOYEES.key).withColumn("_valid_from", valid_from).drop("_order")


def _as_of_day(versions: DataFrame, contract: Contract, day: date) -> DataFrame:
    """Return the latest committed version per key among those valid by a day.

    A version replaces earlier committed ones on every day from its `_valid_from` on.
    """
    return replay(versions.where(F.coalesce(F.col("_valid_from") <= lit(day), lit(True))), contract)
