"""Streams of XML events without document type definitions, whose entities can grow without end."""

from collections.abc import Callable, Iterable, Mapping
from xml.parsers.expat import ParserCreate, XMLParserType

from lakehouse.hr.file_formats import DAMAGED
from lakehouse.hr.files import UnusableFile

Attributes = Mapping[str, str]
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
    for chunk in chunks:
        parser.Parse(chunk)
    parser.Parse(b"", True)


def is_true(attributes: Attributes, name: str) -> bool:
    return attributes.get(name, "").strip().casefold() in TRUE_WORDS


def parse_count(text: str) -> int:
    """Return a number of the container, such as a row's. Raises UnusableFile where it is none."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):  # noqa: PLR2004 - 32 bits
        raise UnusableFile(DAMAGED)
    return int(digits)


def _reject_doctype(*_declaration: object) -> None:
    raise UnusableFile(DAMAGED)
