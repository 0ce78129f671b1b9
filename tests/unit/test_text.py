"""HR's files and addresses are compared by one folding, whatever keyboard or program typed them."""

import unicodedata

import pytest

from lakehouse.distance.addresses import fold_place_name
from lakehouse.text import fold_for_comparison, normalize

SPELLINGS = [
    ("accents", "Équitation", "equitation"),
    ("decomposed accents", unicodedata.normalize("NFD", "Moyen de déplacement"), "moyen de deplacement"),
    ("case", "MARCHE/RUNNING", "marche running"),
    ("ligature oe", "Cœur de ville", "coeur de ville"),
    ("capital ligature oe", "ŒUVRE", "oeuvre"),
    ("ligature fi", "con\ufb01rmé", "confirme"),
    ("hyphen", "Volley-ball", "volley ball"),
    ("non-breaking hyphen", "Volley\u2011ball", "volley ball"),
    ("en dash", "Volley\u2013ball", "volley ball"),
    ("em dash between spaces", "Paris \u2014 Nord", "paris nord"),
    ("straight apostrophe", "Date d'embauche", "date d embauche"),
    ("curly apostrophe", "Date d\u2019embauche", "date d embauche"),
    ("no-break space", "ID\u00a0salarié", "id salarie"),
    ("narrow no-break space", "ID\u202fsalarié", "id salarie"),
    ("line break", "Salaire\nbrut (€)", "salaire brut"),
    ("zero-width space", "Sa\u200blaire", "salaire"),
    ("soft hyphen", "Mont\u00adpellier", "montpellier"),
    ("byte order mark", "\ufeffNom", "nom"),
    ("digits", "Paris 12e", "paris 12e"),
    ("superscript", "1\u1d49\u02b3 étage", "1er etage"),
    ("sharp s", "Straße", "strasse"),
    ("punctuation alone", " - /’ ", ""),
    ("nothing", "", ""),
]


@pytest.mark.parametrize(("typed", "folded"), [pair[1:] for pair in SPELLINGS], ids=[pair[0] for pair in SPELLINGS])
def test_text_is_folded_alike_for_files_and_addresses(typed: str, folded: str) -> None:
    assert fold_for_comparison(typed) == folded
    assert fold_place_name(typed) == folded


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("St-Gély du Fesc", "saint gely du fesc"),
        ("Ste Foy", "sainte foy"),
        ("STÉ", "sainte"),
        ("Sète", "sete"),
        ("Estaing", "estaing"),
    ],
)
def test_saints_are_written_out_in_the_names_of_places_only(typed: str, folded: str) -> None:
    assert fold_place_name(typed) == folded


def test_stored_text_keeps_case_accents_and_ligatures() -> None:
    assert normalize(" Cœur\u00a0d’\u200bHérault — Nord ") == "Cœur d’Hérault — Nord"


@pytest.mark.parametrize("text", ["e\u200b\u0301cole", " \ufeffa\u00ad\u030a ", "c\u2060\u0327a"])
def test_stored_text_is_not_changed_when_it_is_stored_again(text: str) -> None:
    stored = normalize(text)
    assert normalize(stored) == stored == unicodedata.normalize("NFC", stored)
