"""Streams of XML events without document type definitions, whose entities can grow without end."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from xml.parsers.expat import ParserCreate, XMLParserType

from lakehouse.hr.file_formats import DAMAGED
from lakehouse.hr.files import UnusableFile

Attributes = Mapping[str, str]
XML_ENCODINGS = frozenset({b"UTF-8", b"UTF-16", b"UTF-16LE", b"UTF-16BE", b"ISO-8859-1", b"US-ASCII"})
DECLARED_ENCODING = re.compile(rb"""[^<]*<\?xml[^>]*?\sencoding\s*=\s*["']([^"'>]*)""")
TRUE_WORDS = frozenset({"1", "true", "on"})


def create_parser(
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    characters: Callable[[str], None] | None = None,
) -> XMLParserType:
    """Return a parser whose handlers get element names as `namespace name`."""
    parser = ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _reject_doctype
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    return parser


def parse(chunks: Iterable[bytes], parser: XMLParserType) -> None:
    """Feed all chunks to the parser. Raises ExpatError where they are not well-formed."""
    for _ in feed(chunks, parser):
        pass


def feed(chunks: Iterable[bytes], parser: XMLParserType) -> Iterator[None]:
    """Feed the chunks to the parser, one at each step."""
    for number, chunk in enumerate(chunks):
        if number == 0:
            _ensure_known_encoding(chunk)
        parser.Parse(chunk)
        yield
    parser.Parse(b"", True)
    yield


def is_true(attributes: Attributes, name: str) -> bool:
    return attributes.get(name, "").strip().casefold() in TRUE_WORDS


def parse_count(text: str) -> int:
    """Return a number of the container, such as a row's. Raises UnusableFile where it is none."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):  # noqa: PLR2004 - 32 bits
        raise UnusableFile(DAMAGED)
    return int(digits)


def _ensure_known_encoding(head: bytes) -> None:
    """Raise UnusableFile for an encoding that a workbook's parts cannot have, and for which expat asks Python."""
    match = DECLARED_ENCODING.match(head.replace(b"\0", b""))
    if match and match[1].upper() not in XML_ENCODINGS:
        raise UnusableFile(DAMAGED)


def _reject_doctype(*_declaration: object) -> None:
    raise UnusableFile(DAMAGED)
