"""Messages are French, by sport, and always the same for the same activity."""

import pytest

from lakehouse.slack.sports import SPORTS
from lakehouse.slack.wording import Activity, duration, kilometres, message

JULIETTE = Activity(3, "Juliette", "Mendes", "Run", distance_m=10_800, moving_time_s=46 * 60)
LAURENCE = Activity(
    4,
    "Laurence",
    "Morvan",
    "Hike",
    distance_m=10_000,
    moving_time_s=3 * 3600,
    comment="Randonnée de St Guilhem le désert, je vous la conseille c'est top",
)


def test_a_run_is_cheered_as_the_product_says() -> None:
    assert message(JULIETTE) == ("Bravo Juliette Mendes ! Tu viens de courir 10,8 km en 46 min ! Quelle énergie ! 🔥🏅")


def test_a_hike_with_a_comment_is_cheered_as_the_product_says() -> None:
    assert message(LAURENCE) == (
        "Magnifique Laurence Morvan ! Une randonnée de 10 km terminée ! 🌄 "
        '("Randonnée de St Guilhem le désert, je vous la conseille c\'est top") 🏕'
    )


@pytest.mark.parametrize("sport", [*SPORTS, "Kitesurf", None])
@pytest.mark.parametrize(("distance_m", "moving_time_s"), [(5_000, 1_800), (None, 1_800), (0, 0), (5_000, None)])
def test_every_sport_has_words_with_and_without_distance_and_time(
    sport: str | None, distance_m: int | None, moving_time_s: int | None
) -> None:
    for activity_id in range(6):
        said = message(Activity(activity_id, "Ada", "Roux", sport, distance_m, moving_time_s))
        assert "Ada Roux !" in said
        assert "{" not in said
        assert " 0 " not in said


@pytest.mark.parametrize("sport", ["Tennis", "RockClimbing", "Judo"])
def test_a_sport_without_a_distance_speaks_of_time(sport: str) -> None:
    said = message(Activity(0, "Ada", "Roux", sport, distance_m=900, moving_time_s=72 * 60))
    assert "1 h 12" in said
    assert "900" not in said


def test_phrasings_vary_with_the_activity_and_stay_the_same_for_it() -> None:
    said = {message(JULIETTE._replace(activity_id=activity_id)) for activity_id in range(30)}
    assert len(said) == 3
    assert message(JULIETTE) == message(JULIETTE)


def test_a_comment_is_one_line_and_not_endless() -> None:
    said = message(LAURENCE._replace(comment="  deux\nlignes " + "x" * 1_000))
    assert '("deux lignes xxx' in said
    assert len(said) < 400


def test_a_name_with_braces_is_only_a_name() -> None:
    assert "{sport} Roux" in message(JULIETTE._replace(prenom="{sport}", nom="Roux"))


@pytest.mark.parametrize(
    ("metres", "written"),
    [(850, "850 m"), (999, "999 m"), (1_000, "1 km"), (10_849, "10,8 km"), (10_850, "10,9 km"), (100_000, "100 km")],
)
def test_a_distance_is_written_with_a_comma_and_rounded_half_up(metres: int, written: str) -> None:
    assert kilometres(metres) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(45, "45 s"), (60, "1 min"), (2_799, "46 min"), (3_600, "1 h"), (3_900, "1 h 05"), (4_320, "1 h 12")],
)
def test_a_length_of_time_is_written_as_people_say_it(seconds: int, written: str) -> None:
    assert duration(seconds) == written
