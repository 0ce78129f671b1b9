"""What the change engine is given of this company: the source's names, the French wording, the commands of remedies."""

from collections.abc import Mapping

from lakehouse.cdc.contract import Contract, Hints, Rule, Wording

TOPIC_PREFIX, SCHEMA = "rh_sport", "public"
RUN_REFRESH = "python scripts/Jobs_Spark/batch_refresh_silver_gold.py"
# Without Docker, and with it.
START_COMMANDS = "make up, or docker-compose up -d"
REBUILD_HINT = f"Run {RUN_REFRESH} --rebuild-silver."
CREATE_TABLES = "python scripts/ETL_Full_Load/pipeline.py"
RESNAPSHOT_HINT = "python scripts/Jobs_Spark/resnapshot.py reads every table again and continues from there."
OTHER_SOURCE_HINT = (
    "Either start the source that this lake was fed from, or name another folder in LAKE_URI, "
    "or drop the lake and read everything again (make reset, or docker-compose down -v and rm -rf data/delta/*)."
)
# Stored in silver.*_versions and silver.quarantine.
FRENCH_WORDING = Wording(
    undecodable="message illisible",
    unreliable_key="suppression sans la clé de la ligne",
    out_of_range="valeur hors limites : {column}",
    toasted="valeur non transmise : {column}",
    corrected="corrigé",
    deleted="supprimé",
)


def captured_table(
    *,
    table: str,
    key: tuple[str, ...],
    columns: Mapping[str, str],
    rules: tuple[Rule, ...] = (),
    subject: tuple[str, str] | None = None,
) -> Contract:
    """Return the contract of one of the company's tables."""
    return Contract(
        table=table,
        key=key,
        columns=columns,
        rules=rules,
        subject=subject,
        schema=SCHEMA,
        topic_prefix=TOPIC_PREFIX,
        wording=FRENCH_WORDING,
        hints=Hints(
            change_contract=(
                f"In scripts/lakehouse/contracts/{table}.py, set the column's Spark type, or add or remove the column. "
                f"Then run the refresh again: {RUN_REFRESH}."
            ),
            other_source=OTHER_SOURCE_HINT,
            rebuild_silver=REBUILD_HINT,
            resnapshot=RESNAPSHOT_HINT,
            start_stream=f"Start it: {START_COMMANDS}.",
        ),
    )
