"""Open questions are answered once, failures again and later; Postgres alone remembers."""

from collections.abc import Iterator
from typing import Any

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


class Told:
    """A provider that answers what it is told, and remembers what it was asked."""

    at_once = 2

    def __init__(self, *answers: Answer | Unavailable, name: str = "google") -> None:
        self.name, self.answers = name, list(answers)
        self.asked: list[Question] = []

    def distance(self, question: Question) -> Answer:
        self.asked.append(question)
        answer = self.answers.pop(0)
        if isinstance(answer, Unavailable):
            raise answer
        return answer


@pytest.fixture
def conn(database: Settings) -> Iterator[psycopg.Connection]:
    with postgres.connect(database, autocommit=True) as conn:
        rule(conn, "2020-01-01", WORK)
        yield conn


def rule(conn: psycopg.Connection, valid_from: str, destination: str) -> None:
    conn.execute(
        "INSERT INTO reward_rules VALUES (%s, 0.05, 15000, 25000, 15, 5, 'calendar_year', %s)",
        [valid_from, destination],
    )


def ask(conn: psycopg.Connection, *answers: Answer | Unavailable, name: str = "google") -> list[Question]:
    provider = Told(*answers, name=name)
    worker.answer_due(conn, provider, Stop())
    assert provider.answers == []
    return provider.asked


def cached(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    return conn.execute("SELECT provider, status, distance_m, error_message FROM distance_cache ORDER BY id").fetchall()


def versions(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    return conn.execute("SELECT id, xmin::text FROM distance_cache ORDER BY id").fetchall()


OK, FAILED, NOT_FOUND = Answer("ok", 7_000, 900), Answer("failed", reason="no route"), Answer("not_found", reason="?")


def test_a_question_is_asked_once_for_all_who_share_it(conn: psycopg.Connection) -> None:
    employ(conn, 1, HOME, "Marche/running")
    employ(conn, 2, HOME, "Marche/running")
    assert ask(conn, OK) == [Question(HOME, WORK, "walking")]
    assert ask(conn) == []
    assert cached(conn) == [("google", "ok", 7_000, None)]


def test_each_declared_mode_is_a_question_of_its_own(conn: psycopg.Connection) -> None:
    modes = ["Marche/running", "Vélo/Trottinette/Autres", "Transports en commun", "véhicule thermique/électrique"]
    for number, mode in enumerate([*modes, "À dos d'âne", None]):
        employ(conn, number, HOME, mode)
    asked = ask(conn, OK, OK, OK, OK)
    assert sorted(question.travel_mode for question in asked) == ["bicycling", "driving", "transit", "walking"]


def test_nobody_without_an_address_is_asked_about(conn: psycopg.Connection) -> None:
    employ(conn, 1, None, "Marche/running")
    employ(conn, 2, "  ", "Marche/running")
    assert ask(conn) == []


def test_a_new_address_mode_or_destination_is_a_new_question(conn: psycopg.Connection) -> None:
    employ(conn, 1, HOME, "Marche/running")
    ask(conn, OK)
    conn.execute("UPDATE rh_employees SET adresse_complete = %s", [ELSEWHERE])
    assert ask(conn, OK) == [Question(ELSEWHERE, WORK, "walking")]
    conn.execute("UPDATE rh_employees SET moyen_deplacement = 'Transports en commun'")
    assert ask(conn, OK) == [Question(ELSEWHERE, WORK, "transit")]
    rule(conn, "2021-01-01", NEW_WORK)
    assert ask(conn, OK) == [Question(ELSEWHERE, NEW_WORK, "transit")]


def test_a_rule_of_tomorrow_in_paris_asks_nothing_today(conn: psycopg.Connection) -> None:
    employ(conn, 1, HOME, "Marche/running")
    conn.execute(
        "INSERT INTO reward_rules SELECT (now() AT TIME ZONE 'Europe/Paris')::date + 1, 0.05, 15000, 25000, 15, 5, "
        "'calendar_year', %s",
        [NEW_WORK],
    )
    assert ask(conn, OK) == [Question(HOME, WORK, "walking")]


def test_a_failure_is_asked_again_with_growing_waits_until_it_is_answered(conn: psycopg.Connection) -> None:
    employ(conn, 1, HOME, "Marche/running")
    waits = []
    for _ in range(3):
        assert len(ask(conn, FAILED)) == 1
        assert ask(conn) == []
        [still] = cache.open_questions(conn, "google")
        waits.append(round(still.due_in / 60))
        conn.execute("UPDATE ops.distance_retry SET next_attempt_at = now()")
    assert waits == [1, 2, 4]
    assert cached(conn) == [("google", "failed", None, "no route")]
    ask(conn, OK)
    assert cached(conn) == [("google", "ok", 7_000, None)]
    assert conn.execute("SELECT count(*) FROM ops.distance_retry").fetchone() == (0,)


def test_the_same_failure_again_writes_no_change(conn: psycopg.Connection) -> None:
    employ(conn, 1, HOME, "Marche/running")
    ask(conn, FAILED)
    before = versions(conn)
    conn.execute("UPDATE ops.distance_retry SET next_attempt_at = now()")
    ask(conn, FAILED)
    assert versions(conn) == before


def test_an_unknown_commune_is_final_until_the_address_changes(conn: psycopg.Connection) -> None:
    employ(conn, 1, HOME, "Marche/running")
    ask(conn, NOT_FOUND, name="estimate")
    assert cache.open_questions(conn, "estimate") == []
    conn.execute("UPDATE rh_employees SET adresse_complete = %s", [ELSEWHERE])
    assert len(cache.open_questions(conn, "estimate")) == 1


def test_once_the_provider_answers_nobody_the_rest_fail_unasked_with_its_reason(conn: psycopg.Connection) -> None:
    for number in range(5):
        employ(conn, number, f"{number} rue du Test, 34000 Montpellier", "Marche/running")
    assert len(ask(conn, OK, Unavailable("HTTP 429"))) == 2
    assert sorted(row[1:] for row in cached(conn)) == [("failed", None, "HTTP 429")] * 4 + [("ok", 7_000, None)]


def test_with_a_key_an_estimate_answers_nothing_and_a_failure_becomes_none(conn: psycopg.Connection) -> None:
    employ(conn, 1, HOME, "Marche/running")
    ask(conn, OK, name="estimate")
    ask(conn, FAILED, name="google")
    assert cached(conn) == [("estimate", "ok", 7_000, None), ("google", "failed", None, "no route")]


def test_without_a_key_the_real_estimate_answers_everybody_in_one_transaction(
    conn: psycopg.Connection, database: Settings
) -> None:
    employ(conn, 1, HOME, "Marche/running")
    employ(conn, 2, ELSEWHERE, "Vélo/Trottinette/Autres")
    employ(conn, 3, "Mas de l'Oubli, 34700 Trou-Perdu", "Vélo/Trottinette/Autres")
    assert worker.once(database.model_copy(update={"api_key_maps": None})) == {"ok": 2, "not_found": 1}
    assert len({xmin for _, xmin in versions(conn)}) == 1
