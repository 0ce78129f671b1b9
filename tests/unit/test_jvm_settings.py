"""A refresh has the optimising compiler where much is to be merged, and only there."""

from pathlib import Path

import pytest

from lakehouse.cdc import table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.offsets import Offsets, TopicPartition
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED, RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.refresh.jvm_settings import LONG_RUN_CHANGES, settings_for_backlog
from lakehouse.settings import Settings
from lakehouse.spark.session import conf

JAVA_OPTIONS = "spark.driver.defaultJavaOptions"


def lake_with_offsets(
    monkeypatch: pytest.MonkeyPatch, root: Path, bronze: dict[str, int], silver: dict[str, int]
) -> Settings:
    """Return the settings of a lake whose tables say that they end at these offsets."""
    settings = Settings(lake_uri=str(root))
    store = TableStore(settings.lake)
    for contract in CAPTURED:
        if contract.table in bronze:
            store.create_bronze(contract, {})
            store.create_silver(contract)

    def offsets_of(last: dict[str, int]) -> object:
        def read(_: TableStore, contract: Contract) -> Offsets:
            return {TopicPartition(0, 0): last[contract.table]} if contract.table in last else {}

        return read

    monkeypatch.setattr(table_stats, "bronze_offsets", offsets_of(bronze))
    monkeypatch.setattr(table_stats, "silver_offsets", offsets_of(silver))
    return settings


@pytest.mark.parametrize(
    ("silver", "rebuild_silver", "is_long"),
    [
        ({}, False, True),
        ({STRAVA_ACTIVITIES.table: 400_000}, False, False),
        ({STRAVA_ACTIVITIES.table: 400_000}, True, True),
        ({STRAVA_ACTIVITIES.table: 99_999, RH_EMPLOYEES.table: 99_999}, False, False),
        ({STRAVA_ACTIVITIES.table: 99_998, RH_EMPLOYEES.table: 99_999}, False, True),
    ],
    ids=str,
)
def test_much_to_merge_has_the_optimising_compiler(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, silver: dict[str, int], rebuild_silver: bool, is_long: bool
) -> None:
    bronze = {STRAVA_ACTIVITIES.table: 599_999, RH_EMPLOYEES.table: 99_999}
    settings = lake_with_offsets(monkeypatch, tmp_path, bronze, silver)
    found = settings_for_backlog(settings, rebuild_silver=rebuild_silver)
    assert [*found] == ([JAVA_OPTIONS] if is_long else [])
    c1_only = "-XX:TieredStopAtLevel=1"
    assert c1_only in conf(settings, "refresh")[JAVA_OPTIONS].split()
    assert c1_only not in found.get(JAVA_OPTIONS, "")


def test_lake_without_tables_is_no_long_run(tmp_path: Path) -> None:
    assert settings_for_backlog(Settings(lake_uri=str(tmp_path)), rebuild_silver=False) == {}
    assert LONG_RUN_CHANGES > 0
