"""What follows from the registry of models: tables, views and their twins, totals; and the views that reports read."""

import json
from pathlib import Path

import pytest

from lakehouse.contracts import CAPTURED
from lakehouse.gold.affected import AFFECTED_BY_TABLES
from lakehouse.gold.models import MODELS
from lakehouse.gold.totals import GOLD_TABLE
from lakehouse.gold.views import load_views
from lakehouse.refresh.table_setup import gold_tables

# Each view's columns, with their types and comments, as the first release published them.
PUBLISHED_VIEWS = json.loads((Path(__file__).parents[1] / "support/published_views.json").read_text(encoding="utf-8"))


def test_published_views_keep_their_names_columns_order_and_comments() -> None:
    views = {view.name.removeprefix("gold."): (view.comment, view.columns) for view in load_views("/some/lake")}
    assert {name: views[name] for name in PUBLISHED_VIEWS} == {
        name: (view["comment"], [(column, comment) for column, _, comment in view["columns"]])
        for name, view in PUBLISHED_VIEWS.items()
    }


def test_each_gold_table_is_created_and_shown_by_a_view() -> None:
    shown = {table for view in load_views("/some/lake") for table in GOLD_TABLE.findall(view.query)}
    assert shown == set(gold_tables())


def test_view_as_of_a_day_reads_the_tables_as_of_a_day_only() -> None:
    as_of_tables = {model.as_of_name for model in MODELS if model.has_as_of_table}
    for view in load_views("/some/lake"):
        tables = set(GOLD_TABLE.findall(view.query))
        assert tables <= as_of_tables if view.name.endswith("_au") else not tables & as_of_tables, view.name


def test_models_as_of_a_day_read_tables_whose_past_is_known() -> None:
    for model in MODELS:
        assert not model.has_as_of_table or set(model.inputs) <= {contract.table for contract in CAPTURED}, model.name


def test_incremental_models_read_the_tables_whose_changes_are_followed() -> None:
    """With other inputs their baselines would differ, and `find_affected` would find nobody's (law 7)."""
    incremental = [model for model in MODELS if model.incremental]
    assert {model.name for model in incremental} == {"wellbeing", "activites", "doubles"}
    for model in incremental:
        assert {*model.inputs} == AFFECTED_BY_TABLES, model.name


def test_unit_and_its_costs_are_defined_once() -> None:
    """Neither a view nor the code repeats them."""
    for definition in ("'Non renseignée'", "'Total' ELSE", "SUM(montant_prime", "(WHERE eligible"):
        places = [
            file.name
            for folder, pattern in (("spark/views", "*.sql"), ("scripts/lakehouse", "*/*.py"))
            for file in (Path(__file__).parents[2] / folder).glob(pattern)
            if definition in file.read_text(encoding="utf-8")
        ]
        assert places == ["views.py"], definition


def test_unknown_placeholder_of_a_view_is_refused_with_its_file_and_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "v_x.sql").write_text("CREATE OR REPLACE VIEW gold.v_x AS SELECT {unite}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"v_x\.sql has an unknown placeholder \{unite\}; use one of \{unit\}"):
        load_views("/some/lake", tmp_path)
