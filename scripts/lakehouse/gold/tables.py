"""Schemas of Gold's tables: column names and Spark SQL types. The views in spark/views publish them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

# v_prime_sportive omits limite_km, montant_en_jeu and nb_a_l_adresse; v_declarations_a_verifier needs them.
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

# fenetre is the rules' activity_window: v_wellbeing omits it, v_proche_du_seuil needs it.
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

# niveau is the level of aggregation: bu, mois or sport. nb_mesurees counts activities with a distance: where it is 0,
# distance_km is NULL. No view shows it.
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

# One row per scenario and employee; `_reel` columns hold the figures by the real rules, from the same input rows.
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

# Tables computed on request only, with the columns that identify the rows a run replaces.
ON_DEMAND: Mapping[str, tuple[Mapping[str, str], Sequence[str]]] = MappingProxyType(
    {
        "prime_sportive_au": ({**AS_OF_COLUMNS, **PRIME_SPORTIVE}, tuple(AS_OF_COLUMNS)),
        "wellbeing_au": ({**AS_OF_COLUMNS, **WELLBEING}, tuple(AS_OF_COLUMNS)),
        "scenarios": (SCENARIOS, ("scenario",)),
    }
)


def conform(frame: DataFrame, columns: Mapping[str, str]) -> DataFrame:
    """Return exactly these columns, in this order, cast to these types."""
    return frame.select(*(F.col(name).cast(sql_type).alias(name) for name, sql_type in columns.items()))
