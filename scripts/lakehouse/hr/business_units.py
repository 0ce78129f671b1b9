"""One spelling for each business unit: the figures group by the text of the unit."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from lakehouse.french import format_lines
from lakehouse.text import fold_keeping_symbols


def fold_unit(unit: str) -> str:
    """Return what all spellings of a unit have in common: not its case, accents, spaces and punctuation.

    Travel modes and sports are folded alike. They are compared with a list, but units with each other: so that
    two of them stay two, signs and letters of any alphabet are compared too.
    """
    return fold_keeping_symbols(unit) or unit


def choose_spellings(units: Iterable[str]) -> Mapping[str, str]:
    """Return the spelling to load for each spelling: the one that most rows have.

    Among equally frequent ones the rows' order does not decide, so that a sorted file is not a changed one.
    """
    counts = Counter(units)
    variants: defaultdict[str, list[str]] = defaultdict(list)
    for unit in counts:
        variants[fold_unit(unit)].append(unit)
    return {
        unit: max(spellings, key=lambda spelling: (counts[spelling], *_readability(spelling)))
        for spellings in variants.values()
        for unit in spellings
    }


def unify_units(units: pd.Series) -> pd.Series:
    """Return the column with one spelling for each unit. Blank cells stay blank."""
    spellings = choose_spellings(units.dropna())
    return pd.Series([spellings.get(unit) for unit in units], index=units.index, dtype=object)


def describe_respelt_units(file: str, typed: pd.Series, loaded: pd.Series) -> Sequence[str]:
    """Return a French remark for each unit that some lines spell otherwise than it is loaded, without its name."""
    respelt = typed.dropna()[typed.dropna() != loaded.dropna()]
    remarks = []
    for unit, lines in respelt.groupby(loaded.loc[respelt.index], sort=False).groups.items():
        first = typed.index[typed == unit][0]
        remarks.append(
            f"{file}, {format_lines(lines)}, colonne « BU » : la même unité qu'à la ligne {first}, écrite autrement "
            f"(majuscules, accents, espaces ou ponctuation). Elle est chargée comme à la ligne {first}."
        )
    return remarks


def _readability(spelling: str) -> tuple[bool, bool, str]:
    """Return a key that ranks `Économie` before `ECONOMIE` and `économie`, and an accented word before a bare one."""
    return not spelling.isupper(), not spelling.islower(), spelling
