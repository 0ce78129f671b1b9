"""The table of roles, views and columns in the documentation is that of the views' own texts."""

from lakehouse.gold.views import load_views
from support.role_table import documented_columns

ROLES_OF_DATABASES = {"gold": "rh", "direction": "direction"}
SUMMARIES = {"v_kpi", "v_cout_primes", "v_qualite_donnees", "v_scenarios"} | {
    f"v_activites_par_{key}" for key in ("bu", "mois", "sport")
}


def test_documented_roles_views_and_columns_are_those_of_the_views() -> None:
    declared = {
        (ROLES_OF_DATABASES[view.name.split(".")[0]], view.name): [name for name, _ in view.columns]
        for view in load_views("/lake")
    }
    assert documented_columns() == declared


def test_direction_has_the_summaries_under_the_same_names_and_no_column_of_a_person() -> None:
    views = {view.name: view for view in load_views("/lake")}
    names = {name for name in views if name.startswith("direction.")}
    assert names == {f"direction.{name}" for name in SUMMARIES}
    for name in names:
        columns = [column for column, _ in views[name].columns]
        of_gold = [column for column, _ in views[name.replace("direction.", "gold.")].columns]
        assert columns == [column for column in of_gold if column in columns]  # the same names, in the same order
        assert not {"employee_id", "salaries", "premier_refus", "dernier_refus"} & {*columns}
