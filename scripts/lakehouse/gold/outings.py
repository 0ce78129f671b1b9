"""Activities of one person that are one outing, recorded by a watch and a telephone: the first that started counts.

A double overlaps an earlier activity that counts by more than half of the shorter of the two.
Only activities that started before it decide that, so that neither a later activity nor a later day changes it.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.spark.literals import lit

MICROSECONDS = 1_000_000  # in a second
RECORDING_TYPE = "STRUCT<begins: BIGINT, activity_id: BIGINT, ends: BIGINT>"  # times in microseconds
DOUBLE_TYPE = "STRUCT<activity_id: BIGINT, double_of: BIGINT>"


def find_doubles(activities: DataFrame) -> DataFrame:
    """Return the doubles among valid activities: `activity_id`, and as `double_of` the activity that counts instead.

    An activity lasts for the longer of its two durations. One without a duration overlaps none.
    """
    begins = F.unix_micros("start_date_utc")
    seconds = F.greatest(F.coalesce("moving_time_s", lit(0)), F.coalesce("elapsed_time_s", lit(0)), lit(0))
    recording = F.struct(
        begins.alias("begins"),
        F.col("activity_id").cast("bigint").alias("activity_id"),
        (begins + seconds.cast("bigint") * MICROSECONDS).alias("ends"),
    )
    by_start = F.sort_array(F.collect_list(recording))
    return activities.groupBy("employee_id").agg(_doubles(by_start).alias("doubles")).select(F.inline("doubles"))


def _doubles(recordings: Column) -> Column:
    """Return the doubles in an array of one person's recordings, sorted by start and id."""
    nothing = F.struct(
        F.array().cast(f"ARRAY<{RECORDING_TYPE}>").alias("running"),
        F.array().cast(f"ARRAY<{DOUBLE_TYPE}>").alias("doubles"),
    )
    return F.aggregate(recordings, nothing, _decide, lambda state: state["doubles"])


def _decide(state: Column, recording: Column) -> Column:
    """Return the state after one more recording.

    `running` has the recordings that count and are not over yet. They are few, however many a person has.
    Of two such, one reaches back from any moment of both at least twice as far as the other.
    """
    running = F.filter(state["running"], lambda earlier: earlier["ends"] > recording["begins"])
    double_of = F.get(F.filter(running, lambda earlier: _is_same_outing(earlier, recording)), lit(0))["activity_id"]
    double = F.struct(recording["activity_id"].alias("activity_id"), double_of.alias("double_of"))
    counts = double_of.isNull()
    return F.struct(
        F.when(counts, F.concat(running, F.array(recording))).otherwise(running).alias("running"),
        F.when(counts, state["doubles"]).otherwise(F.concat(state["doubles"], F.array(double))).alias("doubles"),
    )


def _is_same_outing(earlier: Column, recording: Column) -> Column:
    """Return whether a recording overlaps one that began no later by more than half of the shorter of the two."""
    shorter = F.least(earlier["ends"] - earlier["begins"], recording["ends"] - recording["begins"])
    return F.least(earlier["ends"], recording["ends"]) - recording["begins"] > shorter / 2
