"""The text of an activity's message, in French."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from lakehouse.contracts.strava_activities import MAX_SPEED_M_S
from lakehouse.french import format_number
from lakehouse.slack.phrases import (
    ANY_SPORT,
    PHRASES_BY_SPORT,
    PHRASES_WITHOUT_DISTANCE,
    PHRASES_WITHOUT_MEASURES,
    SPORT_WORDINGS,
    UNKNOWN_SPORT_PHRASES,
    Phrase,
)

KILOMETRE, HOUR, MINUTE = 1_000, 3_600, 60
MAX_COMMENT_CHARS = 300


class AnnouncedActivity(NamedTuple):
    """The activity that a message announces, and its employee."""

    activity_id: int
    prenom: str
    nom: str
    sport_type: str | None
    distance_m: int | None
    moving_time_s: int | None
    comment: str | None = None
    elapsed_time_s: int | None = None

    @property
    def duration_s(self) -> int:
        """The moving time, or the longer of the two durations where the distance is impossible in the moving time.

        0 where the activity has no duration.
        """
        moving = max(self.moving_time_s or 0, 0)
        is_plausible = moving > 0 and (self.distance_m or 0) <= MAX_SPEED_M_S * moving
        return moving if is_plausible else max(moving, self.elapsed_time_s or 0)


def render_message(activity: AnnouncedActivity) -> str:
    """Return the message's text; the same activity always gets the same text."""
    phrase = _choose_phrase(activity)
    sport = SPORT_WORDINGS.get(activity.sport_type or "", ANY_SPORT)
    sentence = phrase.sentence.format(
        distance=format_distance(activity.distance_m or 0),
        duration=format_duration(activity.duration_s),
        **sport._asdict(),
    )
    ending = _format_ending(
        phrase.before_comment.format(emoji=sport.emoji), _shorten_comment(activity.comment), phrase.after_comment
    )
    return f"{phrase.greeting} {activity.prenom} {activity.nom} ! {sentence[:1].upper()}{sentence[1:]} {ending}"


def format_distance(metres: int) -> str:
    """Return a distance as text: 850 m, 10,8 km, 10 km."""
    if metres < KILOMETRE:
        return f"{metres} m"
    tenths = (Decimal(metres) / KILOMETRE).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return format_number(tenths, "0.# km")


def format_duration(seconds: int) -> str:
    """Return a duration as text: 45 s, 46 min, 1 h, 1 h 05."""
    if seconds < MINUTE:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // MINUTE, HOUR // MINUTE)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes:02d}" if minutes else f"{hours} h"


def _choose_phrase(activity: AnnouncedActivity) -> Phrase:
    return _pick_by_id(_suitable_phrases(activity), activity.activity_id)


def _suitable_phrases(activity: AnnouncedActivity) -> Sequence[Phrase]:
    has_distance, has_duration = (activity.distance_m or 0) > 0, activity.duration_s > 0
    if has_distance and has_duration and activity.sport_type in PHRASES_BY_SPORT:
        return PHRASES_BY_SPORT[activity.sport_type]
    if has_distance and has_duration and activity.sport_type not in SPORT_WORDINGS:
        return UNKNOWN_SPORT_PHRASES
    return PHRASES_WITHOUT_DISTANCE if has_duration else PHRASES_WITHOUT_MEASURES


def _pick_by_id(phrases: Sequence[Phrase], activity_id: int) -> Phrase:
    return phrases[activity_id % len(phrases)]


def _shorten_comment(comment: str | None) -> str:
    text = " ".join((comment or "").split())
    return text if len(text) <= MAX_COMMENT_CHARS else text[: MAX_COMMENT_CHARS - 1] + "…"


def _format_ending(before: str, comment: str, after: str) -> str:
    return f'{before} ("{comment}") {after}' if comment else before + after
