"""French addresses as people type them: the postcode, and the words that may name the commune."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lakehouse.text import fold_for_comparison

_POSTCODE = re.compile(r"(?<!\d)\d{5}(?!\d)")
_SEPARATOR = re.compile(r"[,;()\n/]|\s[-–—]\s")
# Not after « en »: the commune is named Roissy-en-France.
_COUNTRY = re.compile(r"(?<!\ben)(?:^| )france$")
_NOISE = re.compile(r"\bcedex\b.*$|\s*\b\d+(?: ?(?:er|e|eme))?(?: arrondissement)?\s*$")
# A name that follows one of these words is a street's, or the rest of a longer name.
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
    """The postcode, if any, and the candidate names of the commune, folded, the likeliest first."""

    postcode: str | None
    communes: tuple[str, ...]


def fold_place_name(name: str) -> str:
    """Return a name folded for comparison, with St and Ste written out.

    >>> fold_place_name("St-Gély du Fesc")
    'saint gely du fesc'
    """
    words = fold_for_comparison(name).split()
    return " ".join({"st": "saint", "ste": "sainte"}.get(word, word) for word in words)


def parse(address: str) -> Address:
    """Return the last postcode and the candidate names of the commune.

    The commune follows the postcode. Where nothing does, the candidates are the endings of the text before it.
    Without a postcode, they are the endings of the whole address.
    """
    postcodes = list(_POSTCODE.finditer(address))
    if not postcodes:
        return Address(None, tuple(_suffixes(address)))
    last = postcodes[-1]
    commune = next(_candidate_names(address[last.end() :]), None)
    if commune:
        return Address(last[0], (commune,))
    return Address(last[0], tuple(_suffixes(address[: last.start()])))


def _candidate_names(text: str) -> Iterator[str]:
    """Yield each part between separators, folded, without country, Cedex and arrondissement; skip empty ones."""
    for part in _SEPARATOR.split(text):
        name = _NOISE.sub("", _COUNTRY.sub("", fold_place_name(part))).strip()
        if name:
            yield name


def _suffixes(text: str) -> Iterator[str]:
    """Yield the endings of the last part, the longest first.

    None begins inside a name: `vedas` is no candidate of `... saint jean de vedas`.
    """
    words = (list(_candidate_names(text)) or [""])[-1].split()
    for start in range(len(words)):
        if start == 0 or words[start - 1] not in _NOT_BEFORE_A_COMMUNE:
            yield " ".join(words[start:])
