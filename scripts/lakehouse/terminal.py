"""Output that no terminal and no closed pipe ends with a traceback, and a quiet Ctrl-C.

Standard library only, in syntax that an old Python can parse: preflight.py uses it before .venv exists.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

FOLD_ERRORS = "lakehouse.fold"
# What has no letters of its own in ASCII; other accents are taken off.
REPLACEMENTS = {
    **dict.fromkeys("‘’ʼ", "'"),
    **dict.fromkeys("“”«»", '"'),
    **dict.fromkeys("‐‑–—─━═", "-"),
    **dict.fromkeys("│┃║", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼┏┓┗┛┡┩╇╈╭╮╰╯╞╡╪", "+"),
    **dict.fromkeys("\u200d\ufe0f", ""),
    "œ": "oe",
    "Œ": "OE",
    "æ": "ae",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "•": "*",
    "€": "EUR",
}


class _PipeSafeFile(io.FileIO):
    """A file descriptor of which nobody may read any more: what is written then goes nowhere.

    The work goes on, and its exit code is that of the work: `| head` ends the output, not the load.
    """

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return len(memoryview(data).cast("B"))


def prepare_output() -> None:
    """Let stdout and stderr survive a closed pipe, and write what their encoding lacks in ASCII."""
    codecs.register_error(FOLD_ERRORS, fold)
    for name, errors in (("stdout", FOLD_ERRORS), ("stderr", "backslashreplace")):
        stream = getattr(sys, name)
        if stream is None:  # closed by `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif type(stream) is io.TextIOWrapper and not isinstance(getattr(stream.buffer, "raw", None), _PipeSafeFile):
            setattr(sys, name, _pipe_safe(stream, errors))


def fold(error: UnicodeError) -> tuple[str, int]:
    """Return the nearest ASCII text of characters that an encoding lacks, and where to go on: é is e, an emoji ?."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_to_ascii, error.object[error.start : error.end])), error.end


def quiet_interrupts() -> None:
    """Let Ctrl-C end a program without a traceback also while it still imports; the exit status is SIGINT's."""
    report = sys.excepthook

    def report_unless_interrupted(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            report(kind, error, trace)

    sys.excepthook = report_unless_interrupted


def _pipe_safe(stream: io.TextIOWrapper, errors: str) -> io.TextIOWrapper:
    stream.flush()
    binary = io.BufferedWriter(_PipeSafeFile(stream.fileno(), "wb", closefd=False))
    return io.TextIOWrapper(
        binary,
        encoding=stream.encoding,
        errors=errors,
        line_buffering=stream.line_buffering,
        write_through=getattr(stream, "write_through", False),
    )


def _to_ascii(character: str) -> str:
    if character in REPLACEMENTS:
        return REPLACEMENTS[character]
    decomposed = unicodedata.normalize("NFKD", character)
    return decomposed.encode("ascii", "ignore").decode("ascii") or "?"
