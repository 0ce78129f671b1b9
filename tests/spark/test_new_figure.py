"""A new figure is one function with its schema, and one view: its tables, its twin as of a day and totals follow."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.gold.bitemporal import AsOf
from lakehouse.gold.model import Inputs, Model
from lakehouse.gold.models import MODELS
from lakehouse.gold.rules import RuleBook
from lakehouse.gold.totals import totals
from lakehouse.gold.views import load_views
from lakehouse.refresh.as_of import figures_as_of
from lakehouse.refresh.current import refresh_current
from lakehouse.refresh.refresh import refresh
from lakehouse.refresh.table_setup import create_tables
from lakehouse.spark.literals import lit
from spark.builders import NO_OFFSETS, employees, reward_rules
from spark.versions_builder import GO_LIVE, JUNE, VersionsBuilder, employee, rule

DAY = date(2026, 11, 21)


def anciennete(silver: Inputs, _: RuleBook, day: date) -> DataFrame:
    """Return the whole years that each employee has been with the company."""
    months = F.months_between(lit(day), F.col("date_embauche"))
    return silver["rh_employees"].select(
        F.col("id").alias("employee_id"), "business_unit", F.floor(months / 12).alias("annees")
    )


ANCIENNETE = Model(
    name="anciennete",
    schema={"employee_id": "int", "business_unit": "string", "annees": "int"},
    inputs=("rh_employees",),
    compute=anciennete,
    has_as_of_table=True,
    totals={"v_anciennete": ("annees",)},
)
VIEW = """
CREATE OR REPLACE VIEW gold.v_anciennete{au} (
  {day_comments}business_unit COMMENT 'BU, ou Total',
  annees COMMENT 'Années révolues depuis l''embauche, en tout'
)
COMMENT '{Ancienneté des salariés présents|Ancienneté des salariés présents à une date passée}'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT {days}{unit_or_total} AS business_unit, SUM(annees) AS annees
FROM (SELECT *, {unit} AS unit FROM delta.`{lake}/gold/anciennete{au}`)
GROUP BY {days}ROLLUP (unit)
"""
MODELS_WITH_NEW_FIGURE = (*MODELS, ANCIENNETE)


@pytest.fixture
def views_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "views"
    directory.mkdir()
    (directory / "v_anciennete.sql").write_text(VIEW, encoding="utf-8")
    return directory


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path, views_dir: Path) -> Iterator[Lake]:
    """Yield a lake with the tables and views of the new figure."""
    lake = Lake(spark, TableStore(str(tmp_path / "lake")))
    create_tables(lake.store, MODELS_WITH_NEW_FIGURE)
    spark.sql("CREATE DATABASE gold")
    for view in load_views(lake.store.root, views_dir):
        spark.sql(view.sql)
    yield lake
    spark.sql("DROP DATABASE gold CASCADE")


def test_new_figure_is_computed_by_a_refresh_and_shown_by_its_view(lake: Lake, views_dir: Path) -> None:
    lake.append(reward_rules(lake.spark, {"valid_from": date(2020, 1, 1)}), "silver", "reward_rules")
    hired = [("Ventes", date(2020, 11, 21)), ("Ventes", date(2020, 11, 22)), (None, date(2026, 11, 1))]
    staff = [{"id": n, "business_unit": unit, "date_embauche": day} for n, (unit, day) in enumerate(hired)]
    lake.append(employees(lake.spark, *staff), "silver", "rh_employees")
    models = [ANCIENNETE]  # the others need more time than they add here
    refresh(lake, NO_OFFSETS, DAY, partial(refresh_current, models=models, views_dir=views_dir))
    assert {tuple(row) for row in lake.read("gold", "anciennete").collect()} == {
        (0, "Ventes", 6),
        (1, "Ventes", 5),
        (2, None, 0),
    }
    shown = {("Ventes", 11), ("Non renseignée", 0), ("Total", 11)}
    assert {tuple(row) for row in lake.spark.table("gold.v_anciennete").collect()} == shown
    assert totals(lake.store, models, views_dir=views_dir) == {"annees": 11}
    assert refresh(lake, NO_OFFSETS, DAY, partial(refresh_current, models=models, views_dir=views_dir)).after == {
        "annees": 11
    }


def test_new_figure_is_computed_as_of_a_day_and_shown_by_the_twin_of_its_view(lake: Lake, views_dir: Path) -> None:
    versions = VersionsBuilder(lake)
    hired = employee("r", 1, date_embauche=date(2020, 6, 1), business_unit="Ventes")
    versions.commit("2026-01-15 11:00", hired, rule("r", date(2000, 1, 1), "0.05"))
    versions.write()
    days = [AsOf(JUNE, JUNE), AsOf(date(2025, 5, 31), JUNE)]
    for time_point in days:
        compute = partial(
            figures_as_of, time_point=time_point, go_live=GO_LIVE, models=[ANCIENNETE], views_dir=views_dir
        )
        run = refresh(lake, NO_OFFSETS, time_point.valid_at, compute)
        assert run.after == {"annees": 6 if time_point.valid_at == JUNE else 4}
    assert {tuple(row) for row in lake.spark.table("gold.v_anciennete_au").collect()} == {
        (time_point.valid_at, JUNE, unit, years)
        for time_point, years in zip(days, (6, 4), strict=True)
        for unit in ("Ventes", "Total")
    }
