"""Text of a CSV that a spreadsheet would compute: written with an apostrophe before it, and read back without.

The characters are OWASP's (CSV Injection), and others that Excel reads as one of them.
"""

import re

FORMULA_STARTS = "=+-@＝＋－＠﹦﹢﹣﹫−\t\r\n"
# A French Excel splits a line at each semicolon, also inside the text of a CSV that has commas between its cells.
CELL_START = rf"""((?:^|;)[ "]*'*){{}}(?=[{re.escape(FORMULA_STARTS)}])"""
UNESCAPED = re.compile(CELL_START.format(""))
ESCAPED = re.compile(CELL_START.format("'"))
SUSPECT_STARTS = frozenset(FORMULA_STARTS + " \"'")


def escape_formulas(text: str) -> str:
    """Return the text with an apostrophe wherever a cell of it would begin as a formula does.

    >>> escape_formulas("=1+1"), escape_formulas("'=1+1"), escape_formulas("bât. A;-2")
    ("'=1+1", "''=1+1", "bât. A;'-2")
    """
    return UNESCAPED.sub(r"\1'", text) if _is_suspect(text) else text


def unescape_formulas(text: str) -> str:
    """Return the text that `escape_formulas` was called with."""
    return ESCAPED.sub(r"\1", text) if _is_suspect(text) else text


def _is_suspect(text: str) -> bool:
    """Return whether the patterns may match: of a million cells, this takes 0.6 s, and a pattern 5 s."""
    return text[:1] in SUSPECT_STARTS or ";" in text
