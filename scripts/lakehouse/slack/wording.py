"""The message for an activity, in French."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from lakehouse.slack.sports import ANY_SPORT, MOVING, SPORTS, WITH_DISTANCE, WITH_NEITHER, WITH_TIME, Phrase

KILOMETRE, HOUR, MINUTE = 1_000, 3_600, 60
LONGEST_COMMENT = 300


class Activity(NamedTuple):
    """What a message says, and of whom."""

    activity_id: int
    prenom: str
    nom: str
    sport_type: str | None
    distance_m: int | None
    moving_time_s: int | None
    comment: str | None = None


def message(activity: Activity) -> str:
    """Word the message; the same activity is always worded alike."""
    phrase = _phrase(activity)
    sport = SPORTS.get(activity.sport_type or "", ANY_SPORT)
    says = phrase.says.format(
        distance=kilometres(activity.distance_m or 0), duration=duration(activity.moving_time_s or 0), **sport._asdict()
    )
    ending = _ending(phrase.before.format(emoji=sport.emoji), _comment(activity.comment), phrase.after)
    return f"{phrase.greeting} {activity.prenom} {activity.nom} ! {says[:1].upper()}{says[1:]} {ending}"


def kilometres(metres: int) -> str:
    """Write a distance: 850 m, 10,8 km, 10 km."""
    if metres < KILOMETRE:
        return f"{metres} m"
    tenths = (Decimal(metres) / KILOMETRE).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{tenths} km".replace(".0 ", " ").replace(".", ",")


def duration(seconds: int) -> str:
    """Write a length of time: 45 s, 46 min, 1 h, 1 h 05."""
    if seconds < MINUTE:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // MINUTE, HOUR // MINUTE)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes:02d}" if minutes else f"{hours} h"


def _phrase(activity: Activity) -> Phrase:
    return _choose(_phrases(activity), activity.activity_id)


def _phrases(activity: Activity) -> Sequence[Phrase]:
    far, long = (activity.distance_m or 0) > 0, (activity.moving_time_s or 0) > 0
    if far and long and activity.sport_type in WITH_DISTANCE:
        return WITH_DISTANCE[activity.sport_type]
    if far and long and activity.sport_type not in SPORTS:
        return MOVING
    return WITH_TIME if long else WITH_NEITHER


def _choose(phrases: Sequence[Phrase], activity_id: int) -> Phrase:
    return phrases[activity_id % len(phrases)]


def _comment(comment: str | None) -> str:
    text = " ".join((comment or "").split())
    return text if len(text) <= LONGEST_COMMENT else text[: LONGEST_COMMENT - 1] + "…"


def _ending(before: str, comment: str, after: str) -> str:
    return f'{before} ("{comment}") {after}' if comment else before + after
