"""Normalization of text that people typed, for storage and for comparison."""

import re
import unicodedata

# Zero-width characters that web pages and PDFs leave in pasted text; str.split() does not treat them as spaces.
INVISIBLE_CHARACTERS = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
# Unicode decomposes an accented letter and the ligature of « fi », but not this letter of French.
LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE"})


def normalize(text: str) -> str:
    """Return the text composed (NFC), trimmed and with single plain spaces. Its result is not changed by it."""
    # Composed last: an invisible character may stand between a letter and its accent.
    return " ".join(unicodedata.normalize("NFC", text.translate(INVISIBLE_CHARACTERS)).split())


def fold_for_comparison(text: str) -> str:
    """Return the text without accents, case, punctuation or extra spaces, for comparison only.

    >>> fold_for_comparison("  L’Haÿ-les-Roses "), fold_for_comparison("Cœur\u00a0de ville")
    ('l hay les roses', 'coeur de ville')
    """
    return " ".join(re.findall(r"[a-z0-9]+", _fold_letters(text)))


def fold_keeping_symbols(text: str) -> str:
    """Return the text folded for comparison, but with letters of any alphabet, and signs that tell two names apart.

    >>> fold_keeping_symbols("R & D"), fold_keeping_symbols("Équipe C++"), fold_keeping_symbols("Équipe C#")
    ('r & d', 'equipe c + +', 'equipe c #')
    """
    return " ".join(re.findall(r"[^\W_]+|[&+#@%*=<>€$]", _fold_letters(text)))


def _fold_letters(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.translate(LIGATURES))
    without_accents = "".join(char for char in decomposed if not unicodedata.combining(char))
    return without_accents.translate(INVISIBLE_CHARACTERS).casefold()
