"""French addresses as people type them: which words may be the commune."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_POSTCODE = re.compile(r"(?<!\d)\d{5}(?!\d)")
_SEPARATOR = re.compile(r"[,;()\n/]|\s[-–—]\s")
# Roissy-en-France keeps its France.
_COUNTRY = re.compile(r"(?<!\ben)(?:^| )france$")
_NOISE = re.compile(r"\bcedex\b.*$|\s*\b\d+(?: ?(?:er|e|eme))?(?: arrondissement)?\s*$")
# A name that follows one of these is a street's, or the rest of a longer name.
_STREET_TYPES = (
    "rue",
    "avenue",
    "av",
    "boulevard",
    "bd",
    "route",
    "rte",
    "chemin",
    "ch",
    "place",
    "pl",
    "impasse",
    "allee",
)
_MORE_STREET_TYPES = ("allees", "quai", "cours", "square", "passage", "montee", "faubourg")
_NAME_PARTICLES = ("saint", "sainte", "de", "du", "des", "d", "l", "en", "sur", "sous", "le", "la", "les", "aux", "a")
_NOT_BEFORE_A_COMMUNE = frozenset((*_STREET_TYPES, *_MORE_STREET_TYPES, *_NAME_PARTICLES))


@dataclass(frozen=True)
class Address:
    """Its postcode, if any, and the folded names its commune may have, the likeliest first."""

    postcode: str | None
    communes: tuple[str, ...]


def fold_for_comparison(name: str) -> str:
    """Give a name as it is compared: no accents, case, hyphens or apostrophes; St and Ste in full.

    >>> fold("St-Gély du Fesc"), fold("L’Haÿ-les-Roses")
    ('saint gely du fesc', 'l hay les roses')
    """
    spelt = name.replace("œ", "oe").replace("Œ", "oe")
    plain = "".join(c for c in unicodedata.normalize("NFKD", spelt) if not unicodedata.combining(c)).casefold()
    words = re.sub(r"[^a-z0-9]+", " ", plain).split()
    return " ".join({"st": "saint", "ste": "sainte"}.get(word, word) for word in words)


def parse(address: str) -> Address:
    """Find postcode and commune: after the postcode, else the words before it, else the address's last words."""
    postcodes = list(_POSTCODE.finditer(address))
    if not postcodes:
        return Address(None, tuple(_suffixes(address)))
    last = postcodes[-1]
    commune = next(_candidate_names(address[last.end() :]), None)
    if commune:
        return Address(last[0], (commune,))
    return Address(last[0], tuple(_suffixes(address[: last.start()])))


def _candidate_names(text: str) -> Iterator[str]:
    """Give the folded parts between commas that may hold a commune's name."""
    for part in _SEPARATOR.split(text):
        name = _NOISE.sub("", _COUNTRY.sub("", fold_for_comparison(part))).strip()
        if name:
            yield name


def _suffixes(text: str) -> Iterator[str]:
    """Give the last part's endings, the longest first: `... saint jean de vedas` is not the commune of `vedas`."""
    words = (list(_candidate_names(text)) or [""])[-1].split()
    for start in range(len(words)):
        if start == 0 or words[start - 1] not in _NOT_BEFORE_A_COMMUNE:
            yield " ".join(words[start:])
