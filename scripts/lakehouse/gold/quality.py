"""Counts of refused changes, and whose they are. Neither keys nor values leave the quarantine."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.contracts import CAPTURED, RH_EMPLOYEES
from lakehouse.gold.model import Model
from lakehouse.gold.paris import wall_clock
from lakehouse.spark.literals import lit

MAX_EMPLOYEES = 100  # listed in one row
# Their quarantined rows name an employee. Those of distance_cache have an address, which several may share.
EMPLOYEE_TABLES = tuple(
    contract.table for contract in CAPTURED if contract.subject and contract.subject[1] in RH_EMPLOYEES.key
)


def quality(quarantine: DataFrame) -> DataFrame:
    """Return counts of refused changes by table, reason and state: `ouvert`, or `clos` once resolved.

    The first and last times are Paris wall-clock times. A change refused for two reasons counts under each.
    `salaries` has the ids of the employees whose figures rest on an earlier version, as text, MAX_EMPLOYEES at most.
    """
    is_open_of_employee = F.col("resolved_at").isNull() & F.col("table_name").isin(*EMPLOYEE_TABLES)
    refused = quarantine.select(
        F.col("table_name").alias("table_source"),
        F.explode_outer("reasons").alias("motif"),
        F.when(F.col("resolved_at").isNull(), "ouvert").otherwise("clos").alias("etat"),
        wall_clock(F.col("committed_at")).alias("refused_at"),
        F.when(is_open_of_employee, F.col("subject").try_cast("int")).alias("employee_id"),
    )
    employees = F.sort_array(F.collect_set("employee_id"))
    listed = F.array_join(F.slice(employees, 1, MAX_EMPLOYEES), ", ")
    others = F.size(employees) - MAX_EMPLOYEES
    return refused.groupBy("table_source", "motif", "etat").agg(
        F.count("*").alias("nb_refus"),
        F.min("refused_at").alias("premier_refus"),
        F.max("refused_at").alias("dernier_refus"),
        F.when(others > 0, F.concat(listed, lit(" et "), others.cast("string"), lit(" autres")))
        .when(F.size(employees) > 0, listed)
        .alias("salaries"),
    )


QUALITE_DONNEES = Model(
    name="qualite_donnees",
    schema={
        "table_source": "string",
        "motif": "string",
        "etat": "string",
        "nb_refus": "bigint",
        "premier_refus": "timestamp",
        "dernier_refus": "timestamp",
        "salaries": "string",
    },
    inputs=("quarantine",),
    compute=lambda silver, _, __: quality(silver["quarantine"]),
    parameters=lambda _, __: {},
)
