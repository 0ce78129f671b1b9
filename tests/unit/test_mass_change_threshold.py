"""A change of one column is refused over a tenth, and over five, of the employees with an active commute."""

from pathlib import Path

import pytest

from lakehouse.contracts import ACTIVE_MODES, TRAVEL_MODES
from lakehouse.hr.load_options import build_parser
from lakehouse.hr.mass_change import is_mass_change


@pytest.mark.parametrize(
    ("changed", "people", "refused"),
    [
        (0, 0, False),
        (5, 5, False),
        (6, 6, True),
        (6, 59, True),
        (6, 60, False),
        (7, 60, True),
        (7, 69, True),
        (7, 70, False),
        (100, 1000, False),
        (101, 1000, True),
    ],
)
def test_mass_change_is_over_a_tenth_and_over_five_people(changed: int, people: int, refused: bool) -> None:
    assert is_mass_change(changed, people) is refused


def test_active_modes_are_walking_and_cycling() -> None:
    assert [TRAVEL_MODES[mode] for mode in ACTIVE_MODES] == ["walking", "bicycling"]


@pytest.mark.parametrize(("arguments", "is_allowed"), [([], False), (["--allow-mass-change"], True)])
def test_mass_change_is_allowed_by_its_option_alone(arguments: list[str], is_allowed: bool) -> None:
    assert build_parser("Charger.", Path("input")).parse_args(arguments).allow_mass_change is is_allowed
