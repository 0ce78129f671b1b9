"""Random rows of the five tables, ordinary and with edge values, and a row for each violation of a contract."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from types import MappingProxyType
from typing import Any, cast

from workload.committed_transactions import KEYS, Key, Row

ODD_TEXTS = (
    *("", " ", "NULL", "null", "{}", "%s", "\\N", "Noël d'Aÿ", 'Jo "le vélo"', "C:\\temp", "deux\nlignes\tet tab"),
    *("日本語", "🚴‍♀️", "e\u0301", "\u200fשלום", "\u2028", "\u00a0", "ﬃ", "\x7f"),
)
# Debezium's snapshots misread dates before 15 October 1582; tests/stack/test_value_ranges.py covers them.
ODD_DAYS = (date(1582, 10, 15), date(1900, 2, 28), date(1969, 12, 31), date(1970, 1, 1), date(9999, 12, 31))
ODD_INSTANTS = (
    datetime(1901, 12, 13, 20, 45, 51, 999_999, timezone.utc),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, timezone.utc),
    datetime(2024, 2, 29, 0, 0, 0, 1, timezone.utc),
)
# Each activity's key has a slot of time of its own, longer than any duration, so that no two activities overlap.
MAX_MOVING_S, MAX_PAUSES_S, SLOT_S, SLOTS = 10_000, 1_000, 12_000, 2**16
FIRST_SLOT = datetime(1991, 1, 1, tzinfo=timezone.utc)  # the last one ends in 2015
SLOT_STRIDE = 25_033  # odd, so that consecutive keys are years apart, and no two have the same slot
TOASTED_BYTES = 6_000  # bytes, written as twice as many hexadecimal digits: more than Postgres stores inline in the row


def make_key(table: str, number: int) -> Key:
    """Return a table's n-th key, of its column's type: int, bigint or date."""
    match table:
        case "reward_rules":
            return date(1950, 1, 1) + timedelta(days=number)
        case "strava_activities":
            return 10**12 + number
        case _:
            return number


def make_row(rng: Random, table: str, key: Key, employee: int | None = None) -> Row:
    """Return a row that its contract accepts; an activity needs its employee."""
    return {KEYS[table]: key, **ROW_MAKERS[table](rng, employee), **values_of_key(rng, table, key)}


def values_of_key(rng: Random, table: str, key: Key) -> Row:
    """Return the values that depend on a row's key: an activity's start, in the key's slot of time."""
    if table != "strava_activities":
        return {}
    slack_us = (SLOT_S - MAX_MOVING_S - MAX_PAUSES_S) * 1_000_000
    return {"start_date_utc": start_of_slot(key) + timedelta(microseconds=rng.randrange(slack_us))}


def start_of_slot(key: Key) -> datetime:
    """Return the start of the slot of time that an activity's key has."""
    return FIRST_SLOT + cast("int", key) * SLOT_STRIDE % SLOTS * timedelta(seconds=SLOT_S)


def make_update(rng: Random, table: str, before: Row) -> Row:
    """Return new values for one to three columns; with the row's other values they may be refused."""
    fresh = make_row(rng, table, before[KEYS[table]], before.get("employee_id"))
    names = sorted(set(fresh) - {KEYS[table], "employee_id"})
    return {name: fresh[name] for name in rng.sample(names, k=min(len(names), rng.choice((1, 1, 2, 3))))}


def to_jsonb_text(document: Any) -> str:
    """Return a document as Postgres prints jsonb, with keys ordered by their length in bytes, then by value."""
    return json.dumps(_sort_keys(document), ensure_ascii=False)


def _sort_keys(document: Any) -> Any:
    if isinstance(document, dict):
        by_length = sorted(document, key=lambda name: (len(name.encode()), name))
        return {name: _sort_keys(document[name]) for name in by_length}
    return document


def _text(rng: Random) -> str:
    match rng.randrange(20):
        case 0:
            return rng.randbytes(TOASTED_BYTES).hex()
        case 1 | 2 | 3 | 4:
            return rng.choice(ODD_TEXTS)
        case _:
            return f"{rng.choice(ODD_TEXTS)}{rng.getrandbits(32):x}"


def _or_null(rng: Random, value: Any) -> Any:
    return None if rng.random() < 0.1 else value


def _day(rng: Random) -> date:
    return rng.choice(ODD_DAYS) if rng.random() < 0.1 else date(1930, 1, 1) + timedelta(days=rng.randrange(30_000))


def _instant(rng: Random) -> datetime:
    if rng.random() < 0.1:
        return rng.choice(ODD_INSTANTS)
    return datetime(2015, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=rng.randrange(10**14))


def _employee(rng: Random, _: int | None) -> Row:
    born = date(1930, 1, 1) + timedelta(days=rng.randrange(25_000))
    return {
        "nom": _text(rng),
        "prenom": _text(rng),
        "date_naissance": _or_null(rng, born),
        "date_embauche": _or_null(rng, born + timedelta(days=rng.randrange(20_000))),
        "business_unit": _or_null(rng, _text(rng)),
        "salaire_brut": Decimal(rng.randrange(10**12)) / 100,
        "contrat": _or_null(rng, rng.choice(("CDI", "CDD", ""))),
        "nb_conges_payes": _or_null(rng, rng.randrange(-40, 40)),
        "adresse_complete": _or_null(rng, _text(rng)),
        "moyen_deplacement": _or_null(rng, rng.choice(("Marche/running", "Vélo/Trottinette/Autres", ""))),
        "valable_depuis": _or_null(rng, _day(rng)),
    }


def _sport(rng: Random, _: int | None) -> Row:
    return {"pratique_sport": _or_null(rng, _text(rng))}


def _activity(rng: Random, employee: int | None) -> Row:
    moving = rng.randrange(1, MAX_MOVING_S)
    # A manual entry has no moving time, and a treadmill's two clocks differ by seconds.
    two_clocks = (moving, moving + rng.randrange(MAX_PAUSES_S))
    odd_clocks = ((0, moving), (None, moving), (moving, None), (moving, max(moving - 10, 1)))
    moving_time, elapsed_time = rng.choice((*[two_clocks] * 6, *odd_clocks))
    return {
        "employee_id": employee,
        "name": _or_null(rng, _text(rng)),
        "distance_m": _or_null(rng, rng.randrange(max(moving_time or 0, elapsed_time or 0) * 25 + 1)),
        "moving_time_s": moving_time,
        "elapsed_time_s": elapsed_time,
        "total_elev_gain_m": _or_null(rng, rng.randrange(3_000)),
        "type": _or_null(rng, rng.choice(("Run", "Ride", ""))),
        "sport_type": _or_null(rng, _text(rng)),
        "start_date_local": _or_null(rng, _instant(rng).replace(tzinfo=None)),
        "timezone": _or_null(rng, "Europe/Paris"),
        "utc_offset_s": _or_null(rng, rng.choice((3_600, 7_200, -10_800))),
        "commute": rng.random() < 0.5,
        "manual": rng.random() < 0.5,
        "private": rng.random() < 0.5,
        "flagged": rng.random() < 0.5,
        "calories": _or_null(rng, rng.randrange(5_000)),
        "raw_payload": _or_null(rng, _payload(rng, employee)),
        "created_at": _instant(rng),
    }


def _payload(rng: Random, employee: int | None) -> str:
    long_text = rng.randbytes(TOASTED_BYTES).hex()
    ids = (employee, employee and float(employee), str(employee), employee and f" {employee}.0", None)
    athlete = rng.choice((*({"id": athlete_id} for athlete_id in ids), {}, None))
    documents: tuple[Any, ...] = (
        *({"athlete": athlete, "map": {"polyline": long_text}, "comment": _text(rng)},) * 2,
        *({"athlete": athlete, "comment": rng.choice(ODD_TEXTS)},) * 2,
        rng.choice(({}, [], None, "", 7, [{"athlete": {"id": -1}}])),
    )
    return to_jsonb_text(rng.choice(documents))


def _distance(rng: Random, _: int | None) -> Row:
    return {
        # Unique together with the destination and mode, and short enough for their index.
        "origin_address": f"{rng.choice(ODD_TEXTS)}, {rng.getrandbits(64):x}",
        "destination_address": rng.choice(ODD_TEXTS),
        "travel_mode": rng.choice(("walking", "bicycling", "")),
        "distance_m": _or_null(rng, rng.randrange(100_000)),
        "duration_s": _or_null(rng, rng.randrange(-10, 100_000)),
        "provider": rng.choice(("google", "estimate")),
        "status": rng.choice(("ok", "failed", "")),
        "error_message": _or_null(rng, _text(rng)),
        "last_updated": _instant(rng),
    }


def _rule(rng: Random, _: int | None) -> Row:
    return {
        "bonus_rate": Decimal(rng.randrange(10_001)) / 10_000,
        "walk_limit_m": rng.randrange(100, 200_001),
        "bike_limit_m": rng.randrange(100, 200_001),
        "min_activities": rng.randrange(1, 100),
        "wellbeing_days": rng.randrange(10),
        "activity_window": rng.choice(("calendar_year", "rolling_12_months")),
        "destination": f"{_text(rng)}.",
    }


ROW_MAKERS: Mapping[str, Callable[[Random, int | None], Row]] = MappingProxyType(
    {
        "rh_employees": _employee,
        "sport_activities": _sport,
        "strava_activities": _activity,
        "distance_cache": _distance,
        "reward_rules": _rule,
    }
)
FUTURE_START = datetime(2190, 1, 1, 12, tzinfo=timezone.utc)
# Values that make an accepted row a refused one: at least one set for each rule of each contract.
INVALID_VALUES: Mapping[str, tuple[Row, ...]] = MappingProxyType(
    {
        "rh_employees": (
            {"salaire_brut": None},
            {"salaire_brut": Decimal("-0.01")},
            {"date_naissance": date(1969, 1, 2), "date_embauche": date(1969, 1, 1)},
        ),
        "sport_activities": (),
        "strava_activities": (
            {"employee_id": None},
            {"start_date_utc": None},
            {"distance_m": -1},
            {"elapsed_time_s": -1, "moving_time_s": None},
            {"moving_time_s": 611, "elapsed_time_s": 600},
            {"moving_time_s": 0, "elapsed_time_s": None},
            {"start_date_utc": FUTURE_START},
            {"distance_m": 25_001, "moving_time_s": 1_000, "elapsed_time_s": 1_000},
            {"raw_payload": to_jsonb_text({"athlete": {"id": -1}})},
            {"raw_payload": to_jsonb_text({"athlete": {"id": 0.5}})},
            {"raw_payload": to_jsonb_text({"athlete": {"id": ""}})},
            {"raw_payload": to_jsonb_text({"athlete": {"id": {"id": 1}}, "x": "y" * 9_000})},
            {"distance_m": -1, "elapsed_time_s": -1, "moving_time_s": 1, "start_date_utc": None},
        ),
        "distance_cache": ({"distance_m": -1}, {"distance_m": -(2**31)}),
        "reward_rules": ({"bonus_rate": Decimal("1.0001")}, {"bonus_rate": Decimal("-0.0001")}),
    }
)
