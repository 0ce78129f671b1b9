"""Text of a CSV that a spreadsheet would compute: written with an apostrophe before it, and read back without.

The characters are OWASP's (CSV Injection), and others that Excel reads as one of them.
"""

import re

FORMULA_STARTS = "=+\\-@＝＋－＠﹦﹢﹣﹫−\t\r\n"
# A French Excel splits a line at each semicolon, also inside the text of a CSV that has commas between its cells.
CELL_START = rf"""((?:^|;)[ "]*'*){{}}(?=[{FORMULA_STARTS}])"""
UNESCAPED = re.compile(CELL_START.format(""))
ESCAPED = re.compile(CELL_START.format("'"))


def escape_formulas(text: str) -> str:
    """Return the text with an apostrophe wherever a cell of it would begin as a formula does.

    >>> escape_formulas("=1+1"), escape_formulas("'=1+1"), escape_formulas("bât. A;-2")
    ("'=1+1", "''=1+1", "bât. A;'-2")
    """
    return UNESCAPED.sub(r"\1'", text)


def unescape_formulas(text: str) -> str:
    """Return the text that `escape_formulas` was called with."""
    return ESCAPED.sub(r"\1", text)
