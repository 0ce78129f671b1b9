"""The change engine knows no company: its texts and names have no script, no contract's file and no French word."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.settings import ROOT
from support.naming import split_words

ENGINE = Path(ROOT, "scripts", "lakehouse", "cdc")
# Words of the company, and French ones that are no English ones.
COMPANY_WORDS = frozenset(
    [
        "activite",
        "activites",
        "aucun",
        "aucune",
        "avec",
        "colonne",
        "colonnes",
        "corrige",
        "dans",
        "depuis",
        "des",
        "donnees",
        "embauche",
        "employe",
        "employes",
        "est",
        "fichier",
        "hors",
        "illisible",
        "jour",
        "jours",
        "la",
        "le",
        "les",
        "ligne",
        "lignes",
        "limites",
        "manquante",
        "naissance",
        "negatif",
        "nombre",
        "nom",
        "pas",
        "pour",
        "prenom",
        "refusee",
        "regle",
        "rh",
        "salaire",
        "salarie",
        "sans",
        "sont",
        "sport",
        "strava",
        "supprime",
        "sur",
        "transmise",
        "une",
        "valeur",
        "valeurs",
    ]
)
PATTERNS = {
    "an accent": re.compile(r"[àâäçéèêëîïôöùûüÿœæ]", re.IGNORECASE),
    "a script": re.compile(r"\.py\b"),
    "a contract's file": re.compile(r"\bcontracts/"),
    "a make target": re.compile(r"\bmake (up|down|reset|demo|install|status|logs)\b"),
}


def find_problems(source: str) -> list[str]:
    """Return each text and each name that belongs to a company, with its line and the reason."""
    nodes = ast.walk(ast.parse(source))
    return [f"{line}: {reason}" for node in nodes for line, text in _texts(node) for reason in _reasons(text)]


def _texts(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the string constants, parts of f-strings and docstrings among them, and the names."""
    match node:
        case ast.Constant(value=str(text)) | ast.Name(id=text) | ast.Attribute(attr=text):
            yield node.lineno, text
        case ast.FunctionDef(name=text) | ast.ClassDef(name=text):
            yield node.lineno, text
        case ast.arg(arg=text) | ast.keyword(arg=str(text)):
            yield node.lineno, text
        case ast.alias(name=text, asname=asname):
            yield node.lineno, f"{text} {asname or ''}"


def _reasons(text: str) -> Iterator[str]:
    yield from (f"{name} in “{text}”" for name, pattern in PATTERNS.items() if pattern.search(text))
    words = {word for part in re.findall(r"\w+", text) for word in (part.lower(), *split_words(part))}
    yield from (f"“{word}” in “{text}”" for word in sorted(words & COMPANY_WORDS))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ('TOPIC_PREFIX = "rh_sport"', "1: “rh” in “rh_sport”"),
        ("def rh_sport_topic(): ...", "1: “rh” in “rh_sport_topic”"),
        ('CORRECTED = "corrigé"', "1: an accent in “corrigé”"),
        ('UNREADABLE = "message illisible"', "1: “illisible” in “message illisible”"),
        ('OUT_OF_RANGE = "valeur hors limites : "', "1: “hors” in “valeur hors limites : ”"),
        ('\nf"{name} : valeur inconnue"', "2: “valeur” in “ : valeur inconnue”"),
        ("row = frame.salaire_brut", "1: “salaire” in “salaire_brut”"),
        (
            'HINT = "python scripts/Jobs_Spark/resnapshot.py reads every table again"',
            "1: a script in “python scripts/Jobs_Spark/resnapshot.py reads every table again”",
        ),
        (
            'f"Change contracts/{table} to match the table"',
            "1: a contract's file in “Change contracts/”",
        ),
        ('"""Start it: make up"""', "1: a make target in “Start it: make up”"),
    ],
)
def test_word_of_a_company_is_found_with_its_line(source: str, reason: str) -> None:
    assert reason in find_problems(source)


@pytest.mark.parametrize(
    "source",
    [
        "transport = passed.lead(ordered)  # salaire",
        'text = "a negative size, on a ledge; see ARCHITECTURE.md, law 9"',
    ],
)
def test_english_words_and_comments_are_no_problem(source: str) -> None:
    assert find_problems(source) == []


def test_engine_has_no_word_of_a_company() -> None:
    problems = {
        str(path.relative_to(ENGINE)): found
        for path in sorted(ENGINE.rglob("*.py"))
        if (found := find_problems(path.read_text(encoding="utf-8")))
    }
    assert problems == {}
