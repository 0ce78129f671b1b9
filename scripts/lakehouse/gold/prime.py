"""The prime sportive: a share of the salary for employees who walk or cycle to work (product rules, § 4)."""

from dataclasses import asdict

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.contracts import DISTANCE_CACHE, RH_EMPLOYEES, TRAVEL_MODES
from lakehouse.gold.model import Model
from lakehouse.gold.rules import Rules
from lakehouse.spark.literals import lit

COMMUTE_KEY = ("adresse_complete", "destination", "travel_mode")


def prime(employees: DataFrame, distances: DataFrame, rules: Rules, year: int) -> DataFrame:
    """Return one row per employee: the prime in euros, and `motif`, the single reason for it or against it."""
    employees_at_address = F.count("adresse_complete").over(Window.partitionBy("adresse_complete"))
    employees_with_rules = employees.withColumns({name: lit(value) for name, value in asdict(rules).items()})
    employees_with_rules = employees_with_rules.withColumn("nb_a_l_adresse", employees_at_address)
    return with_bonus(employees_with_rules, distances).withColumn("year", lit(year))


def with_bonus(employees_with_rules: DataFrame, distances: DataFrame) -> DataFrame:
    """Add the prime, or the reason why there is none, to employees joined with the rules that apply to each.

    Amounts are decimals in euros, rounded half up to the cent. `montant_en_jeu` is the prime that an active
    commute would earn if its distance were within the limit.
    """
    limit, distance = F.col("limit_m"), F.col("distance_m")
    motif = (
        F.when(limit.isNull(), "mode_non_eligible")
        .when(distance.isNull(), "distance_inconnue")
        .when(distance > limit, "distance_incoherente")
        .otherwise("eligible")
    )
    earned = F.round(F.col("salaire_brut") * F.col("bonus_rate"), 2)
    return (
        _with_commute_distance(employees_with_rules, distances)
        .withColumn("motif", motif)
        .withColumn("eligible", F.col("motif") == "eligible")
        .withColumn("montant_en_jeu", F.when(limit.isNotNull(), earned).otherwise(lit(0)))
        .withColumn("montant_prime", F.when(F.col("eligible"), earned).otherwise(lit(0)))
        .withColumn("distance_km", distance / 1000)
        .withColumn("limite_km", limit / 1000)
        .withColumnRenamed("id", "employee_id")
    )


def _with_commute_distance(employees_with_rules: DataFrame, distances: DataFrame) -> DataFrame:
    """Add `limit_m`, NULL where the travel mode is not active, and `distance_m`, NULL where unknown; both in metres."""
    travel_modes = F.create_map(*(lit(part) for pair in TRAVEL_MODES.items() for part in pair))
    limit = F.when(F.col("travel_mode") == "walking", F.col("walk_limit_m")).when(
        F.col("travel_mode") == "bicycling", F.col("bike_limit_m")
    )
    commutes = employees_with_rules.withColumn("travel_mode", travel_modes[F.col("moyen_deplacement")]).withColumn(
        "limit_m", limit
    )
    return commutes.join(_preferred_distance(distances), [*COMMUTE_KEY], "left")


def _preferred_distance(distances: DataFrame) -> DataFrame:
    """Return one distance per commute: Google's result where there is one, else the estimate.

    A failed Google result leaves the distance unknown, even where an estimate from before the API key exists.
    """
    estimated_last = F.struct(F.col("provider") == "estimate", F.col("provider"))
    preferred = F.min_by(F.struct("distance_m", "provider", "status"), estimated_last).alias("best")
    commutes = distances.withColumnsRenamed(
        {"origin_address": "adresse_complete", "destination_address": "destination"}
    )
    return (
        commutes.groupBy(*COMMUTE_KEY)
        .agg(preferred)
        .where(F.col("best.status") == "ok")
        .select(*COMMUTE_KEY, "best.distance_m", F.col("best.provider").alias("distance_source"))
    )


PRIME_SPORTIVE = Model(
    name="prime_sportive",
    # v_prime_sportive omits limite_km, montant_en_jeu and nb_a_l_adresse; v_declarations_a_verifier needs them.
    schema={
        "employee_id": "int",
        "year": "int",
        "business_unit": "string",
        "salaire_brut": "double",
        "moyen_deplacement": "string",
        "distance_km": "double",
        "distance_source": "string",
        "eligible": "boolean",
        "motif": "string",
        "montant_prime": "decimal(12,2)",
        "limite_km": "double",
        "montant_en_jeu": "decimal(12,2)",
        "nb_a_l_adresse": "int",
    },
    inputs=(RH_EMPLOYEES.table, DISTANCE_CACHE.table),
    compute=lambda silver, book, day: prime(
        silver[RH_EMPLOYEES.table], silver[DISTANCE_CACHE.table], book.current, day.year
    ),
    parameters=lambda book, day: {"rules": asdict(book.current), "year": day.year},
    has_as_of_table=True,
    totals={"v_kpi": ("nb_salaries", "nb_primes", "cout_primes")},
)
