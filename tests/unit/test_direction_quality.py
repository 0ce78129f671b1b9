"""The refusals that the database `direction` shows are those of five employees or more, and name nobody."""

from lakehouse.gold.views import load_views
from support.views_in_process import Row, run_view

[VIEW] = [view for view in load_views("/lake") if view.name == "direction.v_qualite_donnees"]


def refusal(table: str, reason: str, count: int, people: int, state: str = "ouvert") -> Row:
    ids = ", ".join(str(number) for number in range(people))
    return {"table_source": table, "motif": reason, "etat": state, "nb_refus": count, "salaries": ids or None}


def shown(*rows: Row, doubles: int = 0) -> dict[tuple[str, str, str], int]:
    twice = [{"employee_id": number, "nb_doubles": 2} for number in range(doubles)]
    found = run_view(VIEW, {"qualite_donnees": rows, "doubles": twice})
    return {(row["table_source"], row["motif"], row["etat"]): row["nb_refus"] for row in found}


AUTRES = ("Autres", "Autres", "Autres")


def test_refusals_of_five_employees_are_shown_and_name_nobody() -> None:
    assert shown(refusal("strava_activities", "a", 9, 5), doubles=6) == {
        ("strava_activities", "a", "ouvert"): 9,
        ("strava_activities", "en double", "ouvert"): 12,
    }
    assert "salaries" not in [name for name, _ in VIEW.columns]


def test_refusals_of_fewer_are_folded_with_the_smallest_of_five_or_more() -> None:
    rows = [refusal("rh_employees", "a", 90, 4), refusal("t", "b", 7, 5), refusal("t", "c", 8, 9)]
    assert shown(*rows) == {AUTRES: 97, ("t", "c", "ouvert"): 8}


def test_refusals_of_people_who_are_not_known_are_folded() -> None:
    rows = [refusal("t", "closed", 500, 0, "clos"), refusal("t", "b", 7, 5)]
    assert shown(*rows) == {AUTRES: 507}


def test_nothing_is_shown_where_no_reason_concerns_five_employees() -> None:
    assert shown(refusal("t", "a", 10, 4), refusal("t", "b", 10, 4), doubles=4) == {}
    assert shown() == {}


def test_list_of_a_hundred_employees_and_others_is_more_than_five() -> None:
    row = refusal("t", "a", 300, 100)
    assert shown({**row, "salaries": f"{row['salaries']} et 20 autres"}) == {("t", "a", "ouvert"): 300}
