"""Employees, as HR declares them."""

from lakehouse.cdc.contract import Contract, Rule

RH_EMPLOYEES = Contract(
    table="rh_employees",
    key=("id",),
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
        Rule("salary_missing", when="salaire_brut IS NULL", says="salaire absent"),
        Rule("salary_negative", when="salaire_brut < 0", says="salaire négatif"),
        Rule("hired_before_birth", when="date_embauche < date_naissance", says="embauche avant la naissance"),
    ),
)
