"""The journal of access holds no value of a statement, and its view shows each whole line."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.gold.views import load_views

Mask = Callable[[str], str]


@pytest.fixture(scope="module")
def jvm(spark: SparkSession) -> object:
    return spark._jvm  # noqa: SLF001 - Spark has no public way to its classes


@pytest.fixture(scope="module")
def masked(jvm: object) -> Mask:
    """Return a function: a statement as the journal has it once Spark has understood it."""
    return lambda sql: str(jvm.lakehouse.serving.MaskedStatement.mask(sql, True))  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def masked_unread(jvm: object) -> Mask:
    """Return a function: a statement as the journal has it that Spark did not understand."""
    return lambda sql: str(jvm.lakehouse.serving.MaskedStatement.mask(sql, False))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM gold.v_kpi WHERE salaire_brut > 52770.00", "SELECT * FROM gold.v_kpi WHERE salaire_brut > ?"),
        ("SELECT 'Mendes', \"Juliette\"", "SELECT ?, ?"),
        ("SELECT 'l''eau', 'l\\'eau', 'a\"b', \"a'b\"", "SELECT ?, ?, ?, ?"),
        ("SELECT r'C:\\Mendes', R\"52770\", r'a\\'", "SELECT ?, ?, ?"),
        ("SELECT 'one' 'two' \"three\"", "SELECT ? ? ?"),
        ("SELECT 'he said: -- 52770', 1", "SELECT ?, ?"),
        ("SELECT DATE '1984-02-29', DATE'1984-02-29'", "SELECT DATE ?, DATE?"),
        ("SELECT TIMESTAMP '2026-01-01 08:00:00', X'4D656E'", "SELECT TIMESTAMP ?, X?"),
        ("SELECT INTERVAL 3 DAYS, INTERVAL '7-4' YEAR TO MONTH", "SELECT INTERVAL ? DAYS, INTERVAL ? YEAR TO MONTH"),
        ("SELECT 1, -2, 3L, 4S, 5Y, 6.5, .5, 7e3, 8.0BD, 9D, 1F", "SELECT ?, -?, ?, ?, ?, ?, ?, ?, ?, ?, ?"),
        ("SELECT eligible = TRUE, x IS NOT NULL, y = false", "SELECT eligible = ?, x IS NOT NULL, y = ?"),
        ("SELECT 1 -- Mendes gagne 52770\n, 2", "SELECT ? , ?"),
        ("SELECT /* salaire /* de Mendes */ 52770 */ id", "SELECT id"),
        ("SELECT /*+ BROADCAST(mendes), COALESCE(52770) */ id", "SELECT id"),
        ("SELECT id /* Mendes 52770", "SELECT id"),
        ("SELECT `nom de famille`, v.`12` FROM gold.`v_kpi`", "SELECT `nom de famille`, v.`12` FROM gold.`v_kpi`"),
        ("SELECT 12abc, 52_770, hdfs://mendes/52770", "SELECT ?, ?, ?"),
        ("a<=1 AND b>=2 AND c<=>3 AND d!=4 AND e RLIKE 'Men'", "a<=? AND b>=? AND c<=>? AND d!=? AND e RLIKE ?"),
        ("SELECT $$Mendes 52770$$", "SELECT ???"),
        ("SELECT $tag$Mendes", "SELECT ??"),
        ("SELECT :nom, ?", "SELECT :nom, ?"),
        ("SET spark.lakehouse.question.timeout=300s", "SET spark.lakehouse.question.timeout=?"),
        ("SELECT 'É', 'été', prénom FROM v", "SELECT ?, ?, prénom FROM v"),
        ("SELECT\n\t'a'\n  ,  'b'", "SELECT ? , ?"),
        ("EXPLAIN SELECT * FROM v WHERE n IN ('a','b',3)", "EXPLAIN SELECT * FROM v WHERE n IN (?,?,?)"),
        ("", ""),
    ],
)  # fmt: skip
def test_statement_is_written_without_its_values(masked: Mask, sql: str, expected: str) -> None:
    assert masked(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        # Quotes that do not pair turn what follows inside out: names become texts, and texts names.
        (
            "SELECT * FROM gold.v_kpi WHERE nom = 'O'Brien' AND adresse = '12 rue Mendes'",
            "SELECT * FROM gold.v_kpi WHERE ? = ?",
        ),
        ("SELECT * FROM gold.v_kpi WHERE nom = 'Mendes", "SELECT * FROM gold.v_kpi WHERE ? = ?"),
        ('SELECT * FROM gold.v_kpi WHERE nom = "Mendes', "SELECT * FROM gold.v_kpi WHERE ? = ?"),
        ("SELECT * FROM gold.v_kpi WHERE nom = Juliette Mendes", "SELECT * FROM gold.v_kpi WHERE ? = ? ?"),
        ("SELEC * FROM gold.v_kpi", "? * FROM gold.v_kpi"),
        ("Mendes gagne 52770", "? ? ?"),
        ("juliette.mendes@exemple.fr", "?.??"),
        ("SELECT * FROM `gold`.`v_kpi` WHERE `Mendes`", "SELECT * FROM `gold`.`v_kpi` WHERE ?"),
        ("SELECT 52 770,00 € de Mendes", "SELECT ? ?,? ?"),
        ("-- Mendes", ""),
    ],
)
def test_text_that_is_no_statement_keeps_names_of_relations_up_to_its_first_quote(
    masked_unread: Mask, sql: str, expected: str
) -> None:
    assert masked_unread(sql) == expected


def test_long_statement_is_cut(masked: Mask) -> None:
    assert len(masked(f"SELECT {', '.join(['colonne'] * 5_000)}")) < 4_100


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in whose name a glob's characters stand."""
    folder = tmp_path_factory.mktemp("acces") / "j[1]{a}*"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def v_acces(spark: SparkSession, journal: Path) -> Iterator[DataFrame]:
    """Yield the view over an empty journal."""
    [view] = [view for view in load_views("", journal=str(journal)) if view.name == "gold.v_acces"]
    spark.sql("CREATE DATABASE gold")
    try:
        spark.sql(view.sql)
        yield spark.table("gold.v_acces")
    finally:
        spark.sql("DROP DATABASE gold CASCADE")


def test_view_shows_each_whole_line_of_each_writer_and_no_torn_one(
    spark: SparkSession, journal: Path, v_acces: DataFrame
) -> None:
    assert v_acces.collect() == []
    statement = {
        "at": "2026-11-30T06:00:00.125Z", "event": "statement", "id": "1", "session": "s", "user": "admin",
        "role": "rh", "client": "127.0.0.1", "asked": "SELECT ?",
        "views": ["gold.v_kpi", "gold.v_journal"], "outcome": "answered",
        "condition": None, "rows": 3, "seconds": 0.25,
    }  # fmt: skip
    whole, login = json.dumps(statement), json.dumps({"at": "2026-11-30T07:00:00Z", "event": "login_refused"})
    (journal / "thrift-2026-11-30.jsonl").write_text(f"{whole}\n{whole[:-40]}\n{login}\n{whole[:-1]}", "utf-8")
    (journal / "explain_employee-2026-11-30.jsonl").write_text(f"\n{whole}\nno JSON\n[]\n", "utf-8")
    (journal / ".open").mkdir()
    (journal / ".open" / "2").write_text(whole, "utf-8")
    rows = spark.sql("SELECT * FROM gold.v_acces ORDER BY moment").collect()
    shown = (
        datetime(2026, 11, 30, 7, 0, 0, 125_000),  # noqa: DTZ001 - the wall clock of Paris
        "question", "admin", "rh", "127.0.0.1", "SELECT ?",
        "gold.v_kpi, gold.v_journal", "répondu", None, 3, Decimal("0.250"), "s",
    )  # fmt: skip
    assert [tuple(row) for row in rows[:2]] == [shown, shown]
    assert [(row.evenement, row.moment.hour) for row in rows[2:]] == [("connexion refusée", 8)]
