"""Contract of rh_employees: employees as declared by HR."""

from collections.abc import Mapping
from types import MappingProxyType

from lakehouse.cdc.contract import Rule
from lakehouse.contracts.company import captured_table

# Declared mode to the distance provider's travel mode, in Google's names. Other modes get no distance.
TRAVEL_MODES: Mapping[str, str] = MappingProxyType(
    {
        "Marche/running": "walking",
        "Vélo/Trottinette/Autres": "bicycling",
        "Transports en commun": "transit",
        "véhicule thermique/électrique": "driving",
    }
)
# Those that can earn a prime: `gold/prime.py` has a limit for each.
ACTIVE_MODES = tuple(mode for mode, travel_mode in TRAVEL_MODES.items() if travel_mode in {"walking", "bicycling"})

RH_EMPLOYEES = captured_table(
    table="rh_employees",
    key=("id",),
    subject=("id", "id"),
    columns={
        "id": "int",
        "nom": "string",
        "prenom": "string",
        "date_naissance": "date",
        "date_embauche": "date",
        "business_unit": "string",
        "salaire_brut": "decimal(12,2)",
        "contrat": "string",
        "nb_conges_payes": "int",
        "adresse_complete": "string",
        "moyen_deplacement": "string",
        "valable_depuis": "date",
    },
    rules=(
        Rule("salary_missing", when="salaire_brut IS NULL", message="salaire absent"),
        Rule("salary_negative", when="salaire_brut < 0", message="salaire négatif"),
        Rule("hired_before_birth", when="date_embauche < date_naissance", message="embauche avant la naissance"),
    ),
)
