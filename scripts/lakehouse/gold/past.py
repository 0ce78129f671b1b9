"""What held on a day, as it was known on another: Silver's versions, cut by both.

A row of HR's holds from `valable_depuis` on, or where it does not say from its commit; a fact about an activity, a
distance or a rule from always, for it has its own day or none. What was there at go-live was known and true before,
and so are the distances that were asked for on that day.
"""

from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.changes import settles
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.envelope import DELETE
from lakehouse.cdc.history import replay
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.order import ranked
from lakehouse.cdc.sweeps import snapshot
from lakehouse.cdc.tables import ORIGIN
from lakehouse.clock import PARIS
from lakehouse.contracts import CAPTURED, DISTANCE_CACHE, REWARD_RULES, RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.gold.paris import ends, wall_clock
from lakehouse.gold.touched import ACTIVITY
from lakehouse.source.recorded import GoLive


@dataclass(frozen=True)
class Question:
    """A day in Paris, and the last day whose knowledge counts."""

    as_of: date
    known_at: date

    def is_to_come(self, today: date) -> bool:
        """Say whether it is about a day that nothing is known of yet."""
        return max(self.as_of, self.known_at) > today


@dataclass(frozen=True)
class Held:
    """The rows that held on a day, with the contracts' columns; of activities those that figures need."""

    employees: DataFrame
    activities: DataFrame
    distances: DataFrame
    reward_rules: DataFrame


def held(lake: Lake, question: Question, live: GoLive | None, *, of: int | None = None) -> Held:
    """Give what held, also of who has left since; activities that began later are there too.

    `of` is an employee's id, where only that one's rows are wanted; distances are everybody's.
    """

    def told(contract: Contract, *columns: str) -> DataFrame:
        return known(lake, contract, question.known_at, live).select(*columns, *ORIGIN, "_reasons", "_before")

    def taken(contract: Contract, *columns: str) -> DataFrame:
        return told(contract, *columns).where(settles())

    staff, done = told(RH_EMPLOYEES, *RH_EMPLOYEES.columns), taken(STRAVA_ACTIVITIES, *ACTIVITY)
    if of is not None:
        # A delete says nothing but its key.
        staff = staff.where(F.col("id") == of)
        done = done.join(F.broadcast(ever_of(lake, of)), "activity_id", "left_semi")
    staff = since(staff).where(settles())
    done = _gone_along(done, staff.where(F.col("_op") == DELETE))
    hired = F.coalesce(F.col("date_embauche") <= F.lit(question.as_of), F.lit(True))
    return Held(
        _on(staff, RH_EMPLOYEES, question.as_of).where(hired),
        _on(done, STRAVA_ACTIVITIES, question.as_of),
        replay(taken(DISTANCE_CACHE, *DISTANCE_CACHE.columns), DISTANCE_CACHE),
        replay(taken(REWARD_RULES, *REWARD_RULES.columns), REWARD_RULES),
    )


def _gone_along(done: DataFrame, leavers: DataFrame) -> DataFrame:
    """Add `_since` to versions of activities: who leaves takes them along, and they were no mistake before."""
    # What a snapshot no longer finds has no commit: it is gone at the snapshot's place in the log.
    together = F.struct("_tx_id", "_commit_seq", F.when(F.col("_commit_seq").isNull(), F.col("_lsn")))
    left = leavers.groupBy(together.alias("_with")).agg(F.max("_since").alias("_left"))
    same = together.eqNullSafe(F.col("_with")) & (F.col("_op") == DELETE)
    joined = done.join(F.broadcast(left), same, "left")
    return joined.select(*done.columns, F.col("_left").alias("_since"))


def ever_of(lake: Lake, employee_id: int) -> DataFrame:
    """Give the activity_id of every activity that was ever an employee's, refused ones included."""
    told = lake.versions(STRAVA_ACTIVITIES).where(F.col("employee_id") == employee_id)
    return told.select("activity_id").distinct()


def known(lake: Lake, contract: Contract, day: date, live: GoLive | None) -> DataFrame:
    """Give a table's versions as of the end of a day in Paris, refused ones too; `_before`: known before all days.

    These are the rows that the lake's first snapshot found, and what was committed until go-live. Postgres's
    snapshots have no commit before them; the first one ended before any commit was streamed, of whatever table:
    some change once a year, and may be read anew before they do. A distance is asked for once its address is there,
    so the first ones come just after go-live; without them nobody would have had a commute before that day.
    """
    if live and contract is DISTANCE_CACHE:
        day = max(day, live.at.astimezone(PARIS).date())
    first_commit = lake.catalog.first_commit(CAPTURED)
    found = snapshot().isNotNull() & (F.lit(first_commit).isNull() | (F.col("_lsn") < F.lit(first_commit)))
    if live:
        found |= (F.col("_committed_at") <= F.lit(live.at)) | (F.col("_tx_id") == F.lit(live.tx_id))
    versions = lake.versions(contract).withColumn("_before", F.coalesce(found, F.lit(False)))
    return versions.where(F.col("_before") | (F.col("_committed_at") < ends(F.lit(day))))


def since(staff: DataFrame) -> DataFrame:
    """Add `_since`, the day that a version of an employee holds from; NULL for one that always did.

    A load that says since when tells it of leavers too: it changes their row just before it deletes it. So refused
    versions are to be there as well.
    """
    life = Window.partitionBy(*RH_EMPLOYEES.key).orderBy("_order")

    def previous(name: str) -> Column:
        return F.lag(name).over(life)

    # What a snapshot found, or found gone, is no transaction: its commit is NULL, and equals none.
    same = previous("_tx_id").eqNullSafe(F.col("_tx_id")) & (previous("_commit_seq") == F.col("_commit_seq"))
    told = F.when(F.col("_op") != DELETE, F.col("valable_depuis")).when(same, previous("valable_depuis"))
    day = F.when(~F.col("_before"), F.coalesce(told, F.to_date(wall_clock(F.col("_committed_at")))))
    return ranked(staff, RH_EMPLOYEES.key).withColumn("_since", day).drop("_order")


def _on(known: DataFrame, contract: Contract, day: date) -> DataFrame:
    """Give the rows by what was told last of those that held by a day: what is told later is told of all days since."""
    return replay(known.where(F.coalesce(F.col("_since") <= F.lit(day), F.lit(True))), contract)
