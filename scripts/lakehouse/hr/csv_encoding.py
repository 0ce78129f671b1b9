"""The encoding of a CSV, proved on all of its bytes before a value is read."""

import codecs
import re
from collections.abc import Collection, Mapping

from lakehouse.hr.files import UnusableFile
from lakehouse.text import fold_for_comparison

DECODED_CHUNK_BYTES = 2**20
SAMPLE_BYTES = 2**16
SAVE_AS_UTF_8 = "Enregistrez-le en « CSV UTF-8 »."
# For reading, and for checking: a decoder that removes the mark counts positions without it.
BYTE_ORDER_MARKS: Mapping[bytes, tuple[str, str]] = {
    codecs.BOM_UTF8: ("utf-8-sig", "utf-8"),
    codecs.BOM_UTF32_LE: ("utf-32", "utf-32"),
    codecs.BOM_UTF32_BE: ("utf-32", "utf-32"),
    codecs.BOM_UTF16_LE: ("utf-16", "utf-16-le"),
    codecs.BOM_UTF16_BE: ("utf-16", "utf-16-be"),
}
# Bytes that only UTF-8 writes: in Windows-1252 these pairs are no French, « Ã© » for « é ».
UTF_8_LETTER = re.compile(
    rb"\xc3[\x80-\xbf]|\xc2[\xa0-\xbf]|[\xc4\xc5][\x80-\xbf]|\xe2[\x80-\x84][\x80-\xbf]|\xed[\xa0-\xbf][\x80-\xbf]"
    rb"|\xef\xbf\xbd|\xf0\x9f[\x80-\xbf]{2}"
)
# Letters of Macintosh and MS-DOS are symbols of Windows-1252, or capitals inside a word.
OTHER_LETTER = re.compile(rb"[A-Za-z][\x81-\x84\x86-\x88\x8b\x8d\x8f\x90\x98\x9b\x9d]|[a-z][\x89\x8a\x8c\x8e][a-z]?")
WINDOWS_LETTER = re.compile(rb"[A-Za-z' ][\xe0-\xff]")
OTHER_ENCODINGS: Mapping[str, str] = {
    "mac_roman": "Macintosh (MacRoman)",
    "cp850": "MS-DOS (cp850)",
    "cp437": "MS-DOS (cp437)",
    "utf-7": "UTF-7",
}


def detect_encoding(content: bytes) -> str:
    """Return Python's name of the encoding in which all of the content can be read.

    UTF-8 and UTF-16 are read with and without a byte-order mark, and Windows-1252.
    Raises UnusableFile, with the encoding's name where it is recognized.
    """
    marked = (names for mark, names in BYTE_ORDER_MARKS.items() if content.startswith(mark))
    encoding, checked = next(marked, (None, None))
    if encoding is None and b"\0" in content:
        encoding = checked = _detect_wide(content[:SAMPLE_BYTES].rstrip(b"\0"))
    if encoding == "utf-32":
        raise UnusableFile(f"encodé en UTF-32, qui n'est pas lu. {SAVE_AS_UTF_8}")
    if encoding is None and b"\0" in content:
        raise UnusableFile(
            f"caractère nul : le fichier est abîmé, ou n'est pas un CSV. {SAVE_AS_UTF_8}",
            _line(content, content.index(b"\0")),
        )
    position = _first_invalid(content, checked or "utf-8")
    if position is None:
        return encoding or "utf-8"
    if encoding:
        name = "UTF-8" if encoding.startswith("utf-8") else "UTF-16"
        raise UnusableFile(
            f"caractère illisible en {name} (fichier abîmé ?). {SAVE_AS_UTF_8}", _line(content, position)
        )
    return _ensure_windows(content, position)


def find_other_encoding(content: bytes, titles: Collection[str]) -> str | None:
    """Return the name of the encoding in which the folded titles appear at the content's start, None if in none."""
    for encoding, name in OTHER_ENCODINGS.items():
        text = f" {fold_for_comparison(content[:SAMPLE_BYTES].decode(encoding, errors='replace'))} "
        if all(f" {title} " in text for title in titles):
            return name
    return None


def _detect_wide(sample: bytes) -> str | None:
    """Return the encoding whose NUL bytes are where Latin letters have them, None where they are elsewhere."""
    shares = [sample[offset::4].count(0) / max(1, len(sample[offset::4])) for offset in range(4)]
    if min(shares) < 0.5 and min(shares[1], shares[2]) > 0.8:  # noqa: PLR2004 - the upper halves of nearly all
        return "utf-32"
    even, odd = (shares[0] + shares[2]) / 2, (shares[1] + shares[3]) / 2
    if max(even, odd) < 0.3 or min(even, odd) > 0.05:  # noqa: PLR2004 - delimiters and digits alone are a third
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _first_invalid(content: bytes, encoding: str) -> int | None:
    """Return the position of the first bytes that the encoding cannot have, decoding bit by bit."""
    decoder = codecs.getincrementaldecoder(encoding)()
    for start in range(0, len(content) + 1, DECODED_CHUNK_BYTES):
        chunk = content[start : start + DECODED_CHUNK_BYTES]
        try:
            decoder.decode(chunk, final=start + DECODED_CHUNK_BYTES > len(content))
        except UnicodeDecodeError as error:
            return start + error.start
    return None


def _ensure_windows(content: bytes, position: int) -> str:
    """Return Windows-1252 for content that is not UTF-8, unless it has letters of another encoding."""
    if not re.search(b"[;,\t]", content[:SAMPLE_BYTES]) and re.search(b"[\x81-\xa9]{3}", content[:SAMPLE_BYTES]):
        # No delimiter of ASCII, and words of EBCDIC's small letters.
        raise UnusableFile(f"illisible (ni UTF-8 ni Windows-1252 ; EBCDIC ?). {SAVE_AS_UTF_8}")
    if match := UTF_8_LETTER.search(content):
        reason = f"caractère illisible en UTF-8, dans lequel est écrite la ligne {_line(content, match.start())}"
        raise UnusableFile(f"{reason} (abîmé, ou deux encodages mêlés ?). {SAVE_AS_UTF_8}", _line(content, position))
    if _first_invalid(content, "cp1252") is not None or _has_other_letters(content):
        raise UnusableFile(f"illisible (ni UTF-8 ni Windows-1252 ; Macintosh ou MS-DOS ?). {SAVE_AS_UTF_8}")
    return "cp1252"


def _has_other_letters(content: bytes) -> bool:
    others = sum(1 for _ in OTHER_LETTER.finditer(content))
    return others > sum(1 for _ in WINDOWS_LETTER.finditer(content))


def _line(content: bytes, position: int) -> int:
    """Return the number of the line at a position, in an encoding of one byte or of two."""
    head = content[:position].replace(b"\0", b"")
    return 1 + head.count(b"\n") + head.count(b"\r") - head.count(b"\r\n")
