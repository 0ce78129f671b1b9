"""A lake of the company's tables, fed by change events and refreshed; its rows are in Debezium's JSON."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from lakehouse.cdc import table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED, REWARD_RULES, RH_EMPLOYEES, SPORT_ACTIVITIES, STRAVA_ACTIVITIES
from lakehouse.refresh.refresh import refresh
from lakehouse.refresh.runs import Run
from lakehouse.refresh.table_setup import create_tables
from spark.builders import BY_BICYCLE, RULES
from spark.messages import Change, to_bronze_frame

REFRESH_DAY = date(2026, 6, 1)
NEW_YEAR_IN_DAYS = 20_454  # 2026-01-01, as Debezium writes it
NO_VALUES = {contract.table: dict.fromkeys(contract.columns) for contract in CAPTURED}


class CompanyLake:
    """A lake with two employees, their sports, an activity of the first, and a rule."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    @classmethod
    def create(cls, spark: SparkSession, root: Path) -> "CompanyLake":
        """Return a new one, of which nothing is merged yet."""
        company = cls(Lake(spark, TableStore(str(root))))
        company.append_first_rows()
        return company

    def append_first_rows(self) -> None:
        create_tables(self.lake.store)
        for contract in CAPTURED:
            self.lake.store.create_bronze(contract, {})
        rule = {**vars(RULES), "valid_from": NEW_YEAR_IN_DAYS, "bonus_rate": "0.0500"}
        self.update(REWARD_RULES, rule)
        self.update(RH_EMPLOYEES, employee(1), employee(2))
        self.update(SPORT_ACTIVITIES, {"id": 1, "pratique_sport": "Judo"}, {"id": 2, "pratique_sport": "Judo"})
        self.update(STRAVA_ACTIVITIES, activity(7, 1))

    def update(self, contract: Contract, *rows: dict[str, Any]) -> None:
        """Append an update of each row to the table's Bronze."""
        first_offset = table_stats.row_count(self.lake.store, "bronze", contract.table)
        messages = (json.dumps({"op": "u", "after": {**NO_VALUES[contract.table], **row}}) for row in rows)
        changes = [Change("u", None, raw=message) for message in messages]
        self.lake.append(to_bronze_frame(self.lake.spark, changes, first_offset), "bronze", contract.table)

    def refresh(self, lake: Lake | None = None, *, rebuild_silver: bool = False) -> Run:
        """Refresh up to all that Bronze has; Silver and Gold are written through `lake`, where one is given."""
        cut = {contract.table: table_stats.bronze_offsets(self.lake.store, contract) for contract in CAPTURED}
        return refresh(lake or self.lake, cut, REFRESH_DAY, rebuild_silver=rebuild_silver)

    def silver_ids(self, contract: Contract) -> list[Any]:
        return sorted(row[0] for row in self.lake.silver(contract).select(*contract.key).collect())

    def data_commits(self, layer: str, name: str) -> int:
        """Return how many commits wrote rows of a table."""
        history = self.lake.store.delta_table(layer, name).history()
        return sum(commit["operation"] in {"WRITE", "MERGE"} for commit in history)


def employee(key: int, **values: Any) -> dict[str, Any]:
    return {"id": key, "salaire_brut": "30000.00", "moyen_deplacement": BY_BICYCLE, "nb_conges_payes": 25, **values}


def activity(key: int, employee_id: Any, **values: Any) -> dict[str, Any]:
    start = "2026-05-01T10:00:00.000000Z"
    measures = {"start_date_utc": start, "distance_m": 5_000, "elapsed_time_s": 1_800}
    return {"activity_id": key, "employee_id": employee_id, **measures, **values}
