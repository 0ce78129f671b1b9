"""A question that cannot be answered, or that changes while it is asked, hinders no other."""

import random
import string
from collections.abc import Callable, Iterator

import psycopg
import pytest

from lakehouse.distance import cache, worker
from lakehouse.distance.providers import Answer, Question, Unavailable
from lakehouse.settings import Settings
from lakehouse.source import postgres
from lakehouse.waiting import Stop
from stack.activities import employ

HOME, ELSEWHERE = "12 rue du Test, 34000 Montpellier", "3 rue du Test, 34130 Mauguio"
WORK, NEW_WORK = "1362 Av. des Platanes, 34970 Lattes", "1 place de la Comédie, 34000 Montpellier"
WALKS, RIDES = "Marche/running", "Vélo/Trottinette/Autres"


class Provider:
    """Answers what a function says; notes what it was asked."""

    name, at_once = "google", 20

    def __init__(self, says: Callable[[Question], Answer]) -> None:
        self._says = says
        self.asked: list[Question] = []

    def distance(self, question: Question) -> Answer:
        self.asked.append(question)
        return self._says(question)


def near(_: Question) -> Answer:
    return Answer("ok", 7_000, 900)


@pytest.fixture
def conn(database: Settings) -> Iterator[psycopg.Connection]:
    with postgres.connect(database, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO reward_rules VALUES ('2020-01-01', 0.05, 15000, 25000, 15, 5, 'calendar_year', %s)", [WORK]
        )
        yield conn


def look(conn: psycopg.Connection, says: Callable[[Question], Answer]) -> list[Question]:
    """Let the worker look once, with everything due; give what it asked."""
    conn.execute("UPDATE ops.distance_retry SET next_attempt_at = now()")
    provider = Provider(says)
    worker.answer_due(conn, provider, Stop())
    return provider.asked


def noted(conn: psycopg.Connection) -> list[tuple[str, str, str, str]]:
    return conn.execute(
        "SELECT origin_address, destination_address, travel_mode, status FROM distance_cache ORDER BY id"
    ).fetchall()


@pytest.mark.parametrize(
    ("change", "to", "question"),
    [
        ("UPDATE rh_employees SET adresse_complete = %s", ELSEWHERE, Question(ELSEWHERE, WORK, "walking")),
        ("UPDATE rh_employees SET moyen_deplacement = %s", RIDES, Question(HOME, WORK, "bicycling")),
        ("UPDATE reward_rules SET destination = %s", NEW_WORK, Question(HOME, NEW_WORK, "walking")),
    ],
)
@pytest.mark.parametrize("answer", [near(Question("", "", "")), Answer("failed", reason="no route")])
def test_an_answer_counts_for_what_was_asked_and_the_change_is_asked_next(
    conn: psycopg.Connection, database: Settings, change: str, to: str, question: Question, answer: Answer
) -> None:
    def changing(_: Question) -> Answer:
        with postgres.connect(database, autocommit=True) as hr:
            hr.execute(change.encode(), [to])
        return answer

    employ(conn, 1, HOME, WALKS)
    assert look(conn, changing) == [Question(HOME, WORK, "walking")]
    assert noted(conn) == [(HOME, WORK, "walking", answer.status)]
    assert [asked.question for asked in cache.open_questions(conn, "google")] == [question]
    assert look(conn, near) == [question]
    assert noted(conn)[1:] == [(question.origin, question.destination, question.travel_mode, "ok")]
    assert cache.open_questions(conn, "google") == []


def test_who_leaves_while_asked_about_stops_nobody(conn: psycopg.Connection, database: Settings) -> None:
    def leaving(_: Question) -> Answer:
        with postgres.connect(database, autocommit=True) as hr:
            hr.execute("DELETE FROM rh_employees WHERE id = 1")
        return Answer("failed", reason="no route")

    employ(conn, 1, HOME, WALKS)
    employ(conn, 2, ELSEWHERE, WALKS)
    assert len(look(conn, leaving)) == 2
    assert look(conn, near) == [Question(ELSEWHERE, WORK, "walking")]
    assert cache.open_questions(conn, "google") == []


def test_one_question_that_always_makes_the_provider_fail_starves_no_other(conn: psycopg.Connection) -> None:
    def fails_at_home(question: Question) -> Answer:
        if question.origin == HOME:
            raise Unavailable("HTTP 500")
        return near(question)

    addresses = [HOME, *(f"{number} rue du Test, 34130 Mauguio" for number in range(9))]
    for number, address in enumerate(addresses):
        employ(conn, number, address, WALKS)
    for _ in range(100):
        look(conn, fails_at_home)
    assert [asked.question.origin for asked in cache.open_questions(conn, "google")] == [HOME]


def test_what_is_too_long_to_be_an_address_is_not_asked_and_stops_nobody(conn: psycopg.Connection) -> None:
    chance = random.Random(1)
    employ(conn, 1, "".join(chance.choices(string.printable.strip(), k=4_000)), WALKS)
    employ(conn, 2, HOME, WALKS)
    assert look(conn, near) == [Question(HOME, WORK, "walking")]


def test_an_answer_as_long_as_may_be_is_noted(conn: psycopg.Connection) -> None:
    chance = random.Random(1)
    address = "".join(chance.choices(string.printable.strip(), k=cache.LONGEST - len(WORK)))
    employ(conn, 1, address, WALKS)
    look(conn, near)
    assert noted(conn) == [(address, WORK, "walking", "ok")]


def test_any_reason_is_noted(conn: psycopg.Connection) -> None:
    employ(conn, 1, HOME, WALKS)
    look(conn, lambda _: Answer("failed", reason="no\0 route \ud800"))
    assert conn.execute("SELECT error_message FROM distance_cache").fetchone() == ("no route ?",)
