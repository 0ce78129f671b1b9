"""Gold's tables: their columns, with their Spark SQL types. The views in spark/views show them to the company."""

from collections.abc import Mapping
from types import MappingProxyType

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

# limite_km and montant_en_jeu are not in v_prime_sportive; v_declarations_a_verifier needs them.
PRIME_SPORTIVE: Mapping[str, str] = MappingProxyType(
    {
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
    }
)

WELLBEING: Mapping[str, str] = MappingProxyType(
    {
        "employee_id": "int",
        "year": "int",
        "nb_activities_year": "bigint",
        "first_activity_date": "timestamp",
        "last_activity_date": "timestamp",
        "eligible": "boolean",
        "jours_bien_etre": "int",
        "activites_manquantes": "int",
    }
)

# nb_mesurees, of activities with a distance, is not in v_activites_par_bu: without any there are no kilometres.
ACTIVITES_PAR_BU: Mapping[str, str] = MappingProxyType(
    {
        "business_unit": "string",
        "mois": "date",
        "sport": "string",
        "nb_activites": "bigint",
        "nb_participants": "bigint",
        "distance_km": "double",
        "nb_mesurees": "bigint",
    }
)

QUALITE_DONNEES: Mapping[str, str] = MappingProxyType(
    {
        "table_source": "string",
        "motif": "string",
        "etat": "string",
        "nb_refus": "bigint",
        "premier_refus": "timestamp",
        "dernier_refus": "timestamp",
    }
)

GOLD: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "prime_sportive": PRIME_SPORTIVE,
        "wellbeing": WELLBEING,
        "activites_par_bu": ACTIVITES_PAR_BU,
        "qualite_donnees": QUALITE_DONNEES,
    }
)


def shaped(frame: DataFrame, columns: Mapping[str, str]) -> DataFrame:
    """Give exactly these columns, in this order and of these types."""
    return frame.select(*(F.col(name).cast(sql_type).alias(name) for name, sql_type in columns.items()))
