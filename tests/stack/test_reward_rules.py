"""Reward rules are rows: Postgres refuses invalid ones with a message, and keeps a rule for every past day."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from lakehouse.refresh.rule_options import RULE_RANGES
from lakehouse.settings import Settings
from lakehouse.source.postgres import Connection, connect, errors

VALID_RULE = {
    "valid_from": "2026-07-01",
    "bonus_rate": "0.06",
    "walk_limit_m": 15_000,
    "bike_limit_m": 25_000,
    "min_activities": 15,
    "wellbeing_days": 5,
    "activity_window": "calendar_year",
    "destination": "1362 Av. des Platanes, 34970 Lattes",
}


@pytest.fixture
def conn(database: Settings) -> Iterator[Connection]:
    with connect(database, autocommit=True) as conn:
        insert(conn, valid_from="2000-01-01")
        yield conn


def insert(conn: Connection, **fields: object) -> None:
    row = VALID_RULE | fields
    names, placeholders = ", ".join(row), ", ".join(["%s"] * len(row))
    conn.execute(f"INSERT INTO reward_rules ({names}) VALUES ({placeholders})", [*row.values()])  # noqa: S608 - own names


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"valid_from": "0206-01-01"}, "valid_from is a day from 1900-01-01 to 2200-01-01"),
        ({"valid_from": "-infinity"}, "valid_from is a day from 1900-01-01"),
        ({"valid_from": "infinity"}, "valid_from is a day from 1900-01-01"),
        ({"bonus_rate": "-0.01"}, "bonus_rate is a fraction from 0 to 1"),
        ({"bonus_rate": "5"}, "bonus_rate is a fraction from 0 to 1"),
        ({"walk_limit_m": 15}, "walk_limit_m is in metres"),
        ({"bike_limit_m": 25_000_000}, "bike_limit_m is in metres"),
        ({"min_activities": 0}, "min_activities is a number from 1"),
        ({"wellbeing_days": -1}, "wellbeing_days is a number from 0"),
        ({"activity_window": "year"}, "activity_window is calendar_year or rolling_12_months"),
        ({"destination": ""}, "destination is an address"),
    ],
)
def test_invalid_reward_rule_is_refused_with_a_message(
    conn: Connection, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(errors.CheckViolation, match=message):
        insert(conn, **fields)


@pytest.mark.parametrize("rule", RULE_RANGES)
def test_rule_ranges_of_command_line_and_database_are_equal(conn: Connection, rule: str) -> None:
    low, high = RULE_RANGES[rule]
    step = Decimal("0.0001") if isinstance(low, Decimal) else 1
    for day, value in enumerate((low, high), start=1):
        insert(conn, valid_from=f"2026-07-0{day}", **{rule: value})
    for value in (low - step, high + step):
        with pytest.raises(errors.CheckViolation, match=rule):
            insert(conn, **{rule: value})


def test_second_rule_with_the_same_valid_from_is_refused(conn: Connection) -> None:
    with pytest.raises(errors.UniqueViolation, match=r"valid_from\)=\(2000-01-01\) already exists"):
        insert(conn, valid_from="2000-01-01")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM reward_rules WHERE valid_from = '2000-01-01'",
        "DELETE FROM reward_rules",
        "TRUNCATE reward_rules",
        "UPDATE reward_rules SET valid_from = '2020-01-01' WHERE valid_from = '2000-01-01'",
    ],
)
def test_change_that_leaves_a_past_day_without_a_rule_is_refused(conn: Connection, statement: str) -> None:
    insert(conn)
    with pytest.raises(errors.CheckViolation, match="days in the past would have no rule") as refused:
        conn.execute(statement)
    assert "insert one for an earlier day first" in (refused.value.diag.message_hint or "")
    assert conn.execute("SELECT count(*) FROM reward_rules").fetchone() == (2,)


def test_later_rule_may_be_deleted_or_moved_and_an_earlier_one_inserted(conn: Connection) -> None:
    insert(conn)
    conn.execute("UPDATE reward_rules SET valid_from = '2026-08-01' WHERE valid_from = '2026-07-01'")
    conn.execute("DELETE FROM reward_rules WHERE valid_from = '2026-08-01'")
    conn.execute("UPDATE reward_rules SET bonus_rate = 0.04")
    insert(conn, valid_from="1990-01-01")
    conn.execute("DELETE FROM reward_rules WHERE valid_from = '2000-01-01'")
    assert conn.execute("SELECT valid_from::text FROM reward_rules").fetchall() == [("1990-01-01",)]


@pytest.mark.parametrize("mistyped", ["0206-01-01", "-infinity"])
def test_mistyped_first_rule_of_an_older_database_may_be_deleted_or_moved(conn: Connection, mistyped: str) -> None:
    constraint = '"valid_from is a day from 1900-01-01 to 2200-01-01"'
    corrections = (
        "DELETE FROM reward_rules WHERE valid_from = %s",
        "UPDATE reward_rules SET valid_from = '1999-01-01' WHERE valid_from = %s",
    )
    for correction in corrections:
        conn.execute(f"ALTER TABLE reward_rules DROP CONSTRAINT {constraint}")
        insert(conn, valid_from=mistyped)
        conn.execute(
            f"ALTER TABLE reward_rules ADD CONSTRAINT {constraint} "
            "CHECK (valid_from BETWEEN '1900-01-01' AND '2200-01-01') NOT VALID"
        )
        conn.execute(correction, [mistyped])
    assert conn.execute("SELECT valid_from::text FROM reward_rules ORDER BY 1").fetchall() == [
        ("1999-01-01",),
        ("2000-01-01",),
    ]
