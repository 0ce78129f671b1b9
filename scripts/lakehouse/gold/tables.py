"""Gold's tables: their columns, with their Spark SQL types. The views in spark/views show them to the company."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

# limite_km, montant_en_jeu and nb_a_l_adresse are not in v_prime_sportive; v_declarations_a_verifier needs them.
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
        "nb_a_l_adresse": "int",
    }
)

# fenetre, the rules' activity_window, is not in v_wellbeing; v_proche_du_seuil needs it.
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
        "fenetre": "string",
    }
)

# niveau is bu, mois or sport: what the row is counted by. nb_mesurees counts activities with a distance, and is in no
# view: without any there are no kilometres.
ACTIVITES: Mapping[str, str] = MappingProxyType(
    {
        "niveau": "string",
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
        "activites": ACTIVITES,
        "qualite_donnees": QUALITE_DONNEES,
    }
)

# One row per scenario and employee; `_reel` is what the real rules give of the same rows.
SCENARIOS: Mapping[str, str] = MappingProxyType(
    {
        "scenario": "string",
        "as_of": "date",
        "regles": "string",
        "employee_id": "int",
        "business_unit": "string",
        "eligible": "boolean",
        "eligible_reel": "boolean",
        "montant_prime": "decimal(12,2)",
        "montant_prime_reel": "decimal(12,2)",
        "jours_bien_etre": "int",
        "jours_bien_etre_reel": "int",
        "known_at": "date",
        "distance_inconnue": "boolean",
    }
)

AS_OF_COLUMNS: Mapping[str, str] = MappingProxyType({"as_of": "date", "known_at": "date"})

# What is computed when it is asked for, beside today's figures; by what its rows are replaced.
ON_DEMAND: Mapping[str, tuple[Mapping[str, str], Sequence[str]]] = MappingProxyType(
    {
        "prime_sportive_au": ({**AS_OF_COLUMNS, **PRIME_SPORTIVE}, tuple(AS_OF_COLUMNS)),
        "wellbeing_au": ({**AS_OF_COLUMNS, **WELLBEING}, tuple(AS_OF_COLUMNS)),
        "scenarios": (SCENARIOS, ("scenario",)),
    }
)


def conform(frame: DataFrame, columns: Mapping[str, str]) -> DataFrame:
    """Give exactly these columns, in this order and of these types."""
    return frame.select(*(F.col(name).cast(sql_type).alias(name) for name, sql_type in columns.items()))
