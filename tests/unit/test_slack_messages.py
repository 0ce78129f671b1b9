"""Messages are in French, by sport, and always the same for the same activity."""

import pytest

from lakehouse.slack.messages import AnnouncedActivity, format_distance, format_duration, render_message
from lakehouse.slack.phrases import SPORT_WORDINGS

JULIETTE = AnnouncedActivity(3, "Juliette", "Mendes", "Run", distance_m=10_800, moving_time_s=46 * 60)
LAURENCE = AnnouncedActivity(
    4,
    "Laurence",
    "Morvan",
    "Hike",
    distance_m=10_000,
    moving_time_s=3 * 3600,
    comment="Randonnée de St Guilhem le désert, je vous la conseille c'est top",
)


def test_run_message_equals_the_product_example() -> None:
    assert render_message(JULIETTE) == (
        "Bravo Juliette Mendes ! Tu viens de courir 10,8 km en 46 min ! Quelle énergie ! 🔥🏅"
    )


def test_hike_message_with_a_comment_equals_the_product_example() -> None:
    assert render_message(LAURENCE) == (
        "Magnifique Laurence Morvan ! Une randonnée de 10 km terminée ! 🌄 "
        '("Randonnée de St Guilhem le désert, je vous la conseille c\'est top") 🏕'
    )


@pytest.mark.parametrize("sport", [*SPORT_WORDINGS, "Kitesurf", None])
@pytest.mark.parametrize(("distance_m", "moving_time_s"), [(5_000, 1_800), (None, 1_800), (0, 0), (5_000, None)])
def test_every_sport_has_a_message_with_and_without_distance_and_time(
    sport: str | None, distance_m: int | None, moving_time_s: int | None
) -> None:
    for activity_id in range(6):
        text = render_message(AnnouncedActivity(activity_id, "Ada", "Roux", sport, distance_m, moving_time_s))
        assert "Ada Roux !" in text
        assert "{" not in text
        assert " 0 " not in text


@pytest.mark.parametrize(
    ("metres", "moving", "elapsed", "shown"),
    [
        (12_000, 0, 3_600, "12 km en 1 h"),  # typed in by hand
        (12_000, None, 3_600, "12 km en 1 h"),
        (12_000, -1, 3_600, "12 km en 1 h"),
        (12_000, 1, 3_600, "12 km en 1 h"),  # a clock that was stopped at once
        (12_000, 479, 3_600, "12 km en 1 h"),
        (12_000, 480, 3_600, "12 km en 8 min"),
        (12_000, 3_000, 3_600, "12 km en 50 min"),
        (12_000, 3_000, None, "12 km en 50 min"),
        (12_000, 3_000, 0, "12 km en 50 min"),
        (12_000, 3_605, 3_600, "12 km en 1 h"),
        (12_000, 3_660, 3_650, "12 km en 1 h 01"),
        (400, 20, 3_600, "400 m en 20 s"),
    ],
)
def test_duration_is_the_moving_time_where_the_distance_is_possible_in_it(
    metres: int, moving: int | None, elapsed: int | None, shown: str
) -> None:
    activity = JULIETTE._replace(distance_m=metres, moving_time_s=moving, elapsed_time_s=elapsed)
    assert f"Tu viens de courir {shown} !" in render_message(activity)


@pytest.mark.parametrize("sport", [*SPORT_WORDINGS, "Pickleball", None])
@pytest.mark.parametrize("metres", [None, 0, 12_000])
def test_activity_without_a_moving_time_shows_its_elapsed_time(sport: str | None, metres: int | None) -> None:
    for activity_id in range(6):
        text = render_message(AnnouncedActivity(activity_id, "Ada", "Roux", sport, metres, 0, elapsed_time_s=3_000))
        assert "50 min" in text or (sport == "Hike" and "12 km" in text)
        assert " 0 " not in text


@pytest.mark.parametrize("sport", ["Tennis", "RockClimbing", "Judo"])
def test_message_of_a_sport_without_distance_shows_the_duration(sport: str) -> None:
    text = render_message(AnnouncedActivity(0, "Ada", "Roux", sport, distance_m=900, moving_time_s=72 * 60))
    assert "1 h 12" in text
    assert "900" not in text


def test_phrase_varies_by_activity_and_is_stable_for_each() -> None:
    texts = {render_message(JULIETTE._replace(activity_id=activity_id)) for activity_id in range(30)}
    assert len(texts) == 3
    assert render_message(JULIETTE) == render_message(JULIETTE)


def test_comment_is_one_line_and_truncated() -> None:
    text = render_message(LAURENCE._replace(comment="  deux\nlignes " + "x" * 1_000))
    assert '("deux lignes xxx' in text
    assert len(text) < 400


def test_name_with_braces_is_not_formatted() -> None:
    assert "{sport} Roux" in render_message(JULIETTE._replace(prenom="{sport}", nom="Roux"))


@pytest.mark.parametrize(
    ("metres", "written"),
    [(850, "850 m"), (999, "999 m"), (1_000, "1 km"), (10_849, "10,8 km"), (10_850, "10,9 km"), (100_000, "100 km")],
)
def test_a_distance_is_written_with_a_comma_and_rounded_half_up(metres: int, written: str) -> None:
    assert format_distance(metres) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(45, "45 s"), (60, "1 min"), (2_799, "46 min"), (3_600, "1 h"), (3_900, "1 h 05"), (4_320, "1 h 12")],
)
def test_duration_is_written_in_hours_and_minutes(seconds: int, written: str) -> None:
    assert format_duration(seconds) == written
