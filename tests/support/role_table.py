"""The table of docs/roles.md that says which role sees which columns of which view."""

import re

from lakehouse.settings import ROOT

ROW = re.compile(r"^\| `(\w+)` \| `(\w+\.\w+)` \| ([\w, ]+) \|$", re.MULTILINE)


def documented_columns() -> dict[tuple[str, str], list[str]]:
    """Return the columns of each role and view, in order."""
    text = (ROOT / "docs" / "roles.md").read_text(encoding="utf-8")
    return {(role, view): columns.split(", ") for role, view, columns in ROW.findall(text)}
