"""The text of the views: one .sql each in spark/views, also for the twin as of a day. Nothing imports pyspark here.

Those of the database `gold` are in the folder itself, those of `direction` in a folder of that name.

A view's text has placeholders in braces: `{lake}`, the lake's path, and `{digest}`, which the server stores with it.
`{journal}` is the folder of the journal of access, in which a glob's characters have no meaning.
With `{au}` in the names of the view and of its tables, it has a twin as of a day. There it is the suffix.
In the twin, `{days}` names the two days for SELECT, USING and GROUP BY, and `{day_comments}` declares their columns.
All three are empty in the view itself. `{one text|another}` is the one in the view, the other in its twin.
The other placeholders are SHARED_SQL, and those of small_cells.py for `direction`.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from lakehouse.gold.as_of_columns import AS_OF_COLUMNS, AS_OF_SUFFIX
from lakehouse.gold.small_cells import DIRECTION_SQL
from lakehouse.settings import ROOT

VIEWS_DIR = ROOT / "spark" / "views"
GOLD, DIRECTION = "gold", "direction"
DATABASES = (GOLD, DIRECTION)
AS_OF_COMMENTS = ("Jour dont les données comptent, à Paris", "Dernier jour dont les connaissances comptent, à Paris")
# Units and their costs, once for all views. v_kpi with them is also the query of a run's totals, which DataFusion
# computes, so IF and COUNT_IF are not among them.
SHARED_SQL: Mapping[str, str] = MappingProxyType(
    {
        "unit": "COALESCE(business_unit, 'Non renseignée')",
        # in a query that groups by ROLLUP (unit)
        "unit_or_total": "CASE WHEN GROUPING(unit) = 1 THEN 'Total' ELSE unit END",
        # what a scenario is compared with: the same by the real rules
        **{
            f"{name}{suffix}": sql.format(suffix=suffix)
            for suffix in ("", "_reel")
            for name, sql in {
                "nb_primes": "COUNT(*) FILTER (WHERE eligible{suffix})",
                "cout_primes": "SUM(montant_prime{suffix})",
                "jours_bien_etre": "SUM(jours_bien_etre{suffix})",
            }.items()
        },
    }
)
COMMENT = r"COMMENT '((?:[^']|'')*)'"
VIEW_PLACEHOLDERS = {"au": "", "days": "", "day_comments": ""}
TWIN_PLACEHOLDERS = {
    "au": AS_OF_SUFFIX,
    "days": "".join(f"{name}, " for name in AS_OF_COLUMNS),
    "day_comments": "".join(
        f"{name} COMMENT '{comment}',\n  " for name, comment in zip(AS_OF_COLUMNS, AS_OF_COMMENTS, strict=True)
    ),
}


@dataclass(frozen=True)
class View:
    """A view and its CREATE statement, which stores its own digest with the view."""

    name: str
    sql: str
    digest: str

    @property
    def query(self) -> str:
        """The SELECT behind the view."""
        return "SELECT" + self.sql.split("AS SELECT", 1)[1]

    @property
    def comment(self) -> str:
        """The view's own comment."""
        (comment,) = re.findall(rf"^{COMMENT}", self._declaration, re.MULTILINE)
        return _unquote(comment)

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The names of the view's columns, in order, with their comments."""
        declared = re.findall(rf"^  (\w+) {COMMENT}", self._declaration, re.MULTILINE)
        return [(name, _unquote(comment)) for name, comment in declared]

    @property
    def _declaration(self) -> str:
        return self.sql.split("AS SELECT", 1)[0]


def load_views(lake: str, views_dir: Path = VIEWS_DIR, *, journal: str = "") -> list[View]:
    """Return every view, and each twin as of a day, of the lake and journal at these places."""
    places = {"lake": lake, "journal": re.sub(r"([*?\[\]{}\\])", r"\\\1", journal)}
    quoted = {name: place.replace("`", "``") for name, place in places.items()}
    folders = {GOLD: views_dir, DIRECTION: views_dir / DIRECTION}
    return [
        view
        for database, folder in folders.items()
        for file in sorted(folder.glob("*.sql"))
        for view in _load(file, database, quoted)
    ]


def _unquote(literal: str) -> str:
    return literal.replace("''", "'")


def _load(file: Path, database: str, places: Mapping[str, str]) -> Iterator[View]:
    text = file.read_text(encoding="utf-8")
    for name, sql in DIRECTION_SQL.items():
        text = text.replace(f"{{{name}}}", sql)  # they have placeholders of their own
    yield _render(file, database, text, places, VIEW_PLACEHOLDERS)
    if "{au}" in text:
        yield _render(file, database, text, places, TWIN_PLACEHOLDERS)


def _render(file: Path, database: str, text: str, places: Mapping[str, str], placeholders: Mapping[str, str]) -> View:
    values = {**SHARED_SQL, **placeholders, **places, "digest": "{digest}"}

    def value(match: re.Match[str]) -> str:
        in_view, is_alternative, in_twin = match[1].partition("|")
        if is_alternative:
            return in_twin if placeholders["au"] else in_view
        if in_view not in values:
            raise ValueError(f"{file.name} has an unknown placeholder {match[0]}; use one of {{{'}, {'.join(values)}}}")
        return values[in_view]

    sql = re.sub(r"\{([^{}]*)\}", value, text)
    digest = hashlib.sha256(sql.encode()).hexdigest()[:16]
    return View(f"{database}.{file.stem}{placeholders['au']}", sql.replace("{digest}", digest), digest)
