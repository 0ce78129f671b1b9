"""The gate's parser refuses each listed statement, and each variant of one; it lets the others and theirs through."""

import re
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, given, seed
from hypothesis import settings as runs
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from lakehouse.settings import Settings
from support.thrift_cases import statements

SETTINGS = Settings(lake_uri="/some/lake")
REFUSED, ANSWERED = ([*statements(name, SETTINGS)] for name in ("refused", "answered"))
SPACES = (" ", "  ", "\t", "\n", " /* a */ ", " -- a\n", " /*/* nested */*/ ")
# Delta's grammar knows no nested comment: with one, Spark describes a table named history, which is no view.
DESCRIBED_BY_DELTA = re.compile(r"DESC(RIBE)?\s+(HISTORY|DETAIL)\b", re.IGNORECASE)
# Strings, quoted names and comments are left as they are.
TOKENS = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`|--[^\n]*\n|/\*.*?\*/|\s+|\w+|.""", re.DOTALL)
QUERY = re.compile(r"(SELECT|WITH|FROM|TABLE|VALUES)\b", re.IGNORECASE)
WRAPPERS = (
    "{}",
    "({})",
    "SELECT * FROM ({})",
    "WITH q AS ({}) SELECT * FROM q",
    "SELECT * FROM ({}) |> LIMIT 1",
    "SELECT 1 WHERE EXISTS ({})",
    "EXPLAIN {}",
)
# The same path, and others, in other spellings: none of them is a view of gold.
PATHS = (
    "{}",
    "file:{}",
    "file://{}",
    "FILE:{}",
    "{}/",
    "{}/.",
    "{}/../x",
    "/..{}",
    "{}@v0",
    "s3a://b{}",
    "jar:file:{}!/",
)
REFUSAL = "[LAKEHOUSE_REFUSED] "
# A comment in RESET, SET or USE may make a text no statement: Spark's parser has its own condition for each, of the
# SQLSTATE class of wrong statements, which an error of the program is not in.
NO_STATEMENT = re.compile(r"\s*\[[A-Z_.]+\].*SQLSTATE: 42", re.DOTALL)
# The count by a path stands alone, and a comment in SET or USE is part of what is set.
BARE_ONLY = ("USE", "SET", "EXPLAIN", "DESCRIBE QUERY", "SELECT COUNT(*) FROM delta", "SELECT count(1) AS n FROM delta")

Refusal = Callable[[str], str | None]


@pytest.fixture(scope="module")
def refusal(spark: SparkSession) -> Refusal:
    """Return a function: the reason for which a reader is refused a statement, or None."""
    jvm, session = spark._jvm, spark._jsparkSession  # noqa: SLF001 - Spark has no public way to its parser
    assert jvm is not None
    parser = session.sessionState().sqlParser()
    return lambda sql: jvm.lakehouse.serving.StatementGate.refusal(parser, "RH", SETTINGS.lake, sql)


def is_refused(reason: str | None) -> bool:
    """Return whether a reason is the gate's, or Spark's own for what its parser does not take for a statement."""
    return reason is not None and (reason.startswith(REFUSAL) or NO_STATEMENT.match(reason) is not None)


@pytest.mark.parametrize("sql", REFUSED)
def test_listed_statement_is_refused_in_one_sentence(refusal: Refusal, sql: str) -> None:
    reason = refusal(sql)
    assert is_refused(reason), reason
    assert reason is not None
    assert not reason.startswith(REFUSAL) or ("\n" not in reason and len(reason) < 200)


def test_each_role_is_let_through_to_its_own_database_only(spark: SparkSession) -> None:
    """Change gold for direction in each listed statement: what the one role may ask, the other may not."""
    jvm, session = spark._jvm, spark._jsparkSession  # noqa: SLF001 - Spark has no public way to its parser
    assert jvm is not None
    parser, gate = session.sessionState().sqlParser(), jvm.lakehouse.serving.StatementGate
    statements_of_gold = [sql for sql in ANSWERED if re.search(r"\bgold`?\b", sql)]
    assert len(statements_of_gold) > 20
    for sql in statements_of_gold:
        of_direction = re.sub(r"\bgold\b", "direction", sql)
        for role, own, foreign in (("RH", sql, of_direction), ("DIRECTION", of_direction, sql)):
            assert gate.refusal(parser, role, SETTINGS.lake, own) is None, own
            assert gate.refusal(parser, role, SETTINGS.lake, foreign).startswith(REFUSAL), foreign
    count = next(sql for sql in ANSWERED if sql.startswith("SELECT COUNT(*) FROM delta"))
    assert gate.refusal(parser, "RH", SETTINGS.lake, count) is None
    assert gate.refusal(parser, "DIRECTION", SETTINGS.lake, count).startswith(REFUSAL)


@pytest.mark.parametrize(
    ("role", "requested", "pattern"),
    [
        ("RH", None, "default|gold"),
        ("RH", "", "default|gold"),
        ("RH", "%", "default|gold"),
        ("RH", "g_ld", "gold"),
        ("RH", "GOLD", "gold"),
        ("RH", "direction", "-"),
        ("RH", "gold|direction", "-"),
        ("RH", "g\\_ld", "-"),
        ("RH", ".*", "-"),
        ("DIRECTION", "*", "default|direction"),
        ("DIRECTION", "gold", "-"),
        ("DIRECTION", "d%", "default|direction"),
        ("OWNER", "%", "%"),
    ],
)
def test_metadata_call_is_about_the_databases_of_the_role(
    spark: SparkSession, role: str, requested: str | None, pattern: str
) -> None:
    assert spark._jvm is not None  # noqa: SLF001 - the class is the server's
    assert spark._jvm.lakehouse.serving.VisibleDatabases.pattern(requested, role) == pattern  # noqa: SLF001


@pytest.mark.parametrize("sql", ANSWERED)
def test_listed_statement_is_let_through(refusal: Refusal, sql: str) -> None:
    assert refusal(sql) is None


def vary(sql: str, choices: Random) -> str:
    """Return the statement with other cases of its words and other space between them."""
    spaces = SPACES[:-1] if DESCRIBED_BY_DELTA.match(sql) else SPACES
    return "".join(
        choices.choice(spaces)
        if token.isspace()
        else "".join(choices.choice((letter.upper(), letter.lower())) for letter in token)
        if token.isidentifier()
        else token
        for token in TOKENS.findall(sql)
    )


def wrap(sql: str, wrapper: str) -> str:
    """Return a query inside of another one, and any other statement as it is."""
    return wrapper.format(sql) if QUERY.match(sql) else sql


def move(sql: str, path: str) -> str:
    """Return the statement with its paths in backticks spelt in another way."""
    return re.sub(r"`(/[^`]*)`", lambda match: f"`{path.format(match[1])}`", sql)


def check_variants(refusal: Refusal, count: int) -> None:
    """Check `count` variants of statements, half of them refused; the seed is printed."""
    number = Random().randrange(2**32)
    print(f"seed of the variants: {number}")
    each = runs(max_examples=count // 2, deadline=None, suppress_health_check=[*HealthCheck], database=None)
    wrappers, choices = st.sampled_from(WRAPPERS), st.randoms(use_true_random=False)

    @seed(number)
    @each
    @given(st.sampled_from(REFUSED), st.sampled_from(PATHS), wrappers, choices)
    def each_is_refused(sql: str, path: str, wrapper: str, choices: Random) -> None:
        varied = vary(wrap(move(sql, path), wrapper), choices)
        assert is_refused(refusal(varied)), varied

    @seed(number)
    @each
    @given(st.sampled_from([sql for sql in ANSWERED if not sql.startswith(BARE_ONLY)]), wrappers, choices)
    def each_is_let_through(sql: str, wrapper: str, choices: Random) -> None:
        varied = vary(wrap(sql, wrapper), choices)
        assert refusal(varied) is None, varied

    each_is_refused()
    each_is_let_through()


def test_variants_of_the_listed_statements_are_treated_as_they_are(refusal: Refusal) -> None:
    check_variants(refusal, 200)


@pytest.mark.long
def test_2000_variants_of_the_listed_statements_are_treated_as_they_are(refusal: Refusal) -> None:
    check_variants(refusal, 2_000)
