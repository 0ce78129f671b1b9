"""French addresses as people type them: which words may be the commune."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_POSTCODE = re.compile(r"(?<!\d)\d{5}(?!\d)")
_PART = re.compile(r"[,;()\n/]|\s[-–—]\s")
# Roissy-en-France keeps its France.
_COUNTRY = re.compile(r"(?<!\ben)(?:^| )france$")
_NOISE = re.compile(r"\bcedex\b.*$|\s*\b\d+(?: ?(?:er|e|eme))?(?: arrondissement)?\s*$")
# A name that follows one of these is a street's, or the rest of a longer name.
_STREETS = ("rue", "avenue", "av", "boulevard", "bd", "route", "rte", "chemin", "ch", "place", "pl", "impasse", "allee")
_MORE_STREETS = ("allees", "quai", "cours", "square", "passage", "montee", "faubourg")
_INSIDE_NAMES = ("saint", "sainte", "de", "du", "des", "d", "l", "en", "sur", "sous", "le", "la", "les", "aux", "a")
_NOT_BEFORE_A_COMMUNE = frozenset((*_STREETS, *_MORE_STREETS, *_INSIDE_NAMES))


@dataclass(frozen=True)
class Address:
    """Its postcode, if any, and the folded names its commune may have, the likeliest first."""

    postcode: str | None
    communes: tuple[str, ...]


def fold(name: str) -> str:
    """Give a name as it is compared: no accents, case, hyphens or apostrophes; St and Ste in full.

    >>> fold("St-Gély du Fesc"), fold("L’Haÿ-les-Roses")
    ('saint gely du fesc', 'l hay les roses')
    """
    spelt = name.replace("œ", "oe").replace("Œ", "oe")
    plain = "".join(c for c in unicodedata.normalize("NFKD", spelt) if not unicodedata.combining(c)).casefold()
    words = re.sub(r"[^a-z0-9]+", " ", plain).split()
    return " ".join({"st": "saint", "ste": "sainte"}.get(word, word) for word in words)


def read(address: str) -> Address:
    """Find postcode and commune: after the postcode, else the words before it, else the address's last words."""
    found = list(_POSTCODE.finditer(address))
    if not found:
        return Address(None, tuple(_endings(address)))
    last = found[-1]
    after = next(_names(address[last.end() :]), None)
    if after:
        return Address(last[0], (after,))
    return Address(last[0], tuple(_endings(address[: last.start()])))


def _names(text: str) -> Iterator[str]:
    """Give the folded parts between commas that may hold a commune's name."""
    for part in _PART.split(text):
        name = _NOISE.sub("", _COUNTRY.sub("", fold(part))).strip()
        if name:
            yield name


def _endings(text: str) -> Iterator[str]:
    """Give the last part's endings, the longest first: `... saint jean de vedas` is not the commune of `vedas`."""
    words = (list(_names(text)) or [""])[-1].split()
    for start in range(len(words)):
        if start == 0 or words[start - 1] not in _NOT_BEFORE_A_COMMUNE:
            yield " ".join(words[start:])
