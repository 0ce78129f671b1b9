"""The format that a file really has, whatever its name says."""

import re
from collections.abc import Collection, Mapping

from lakehouse.hr.files import SAVE_AS_WORKBOOK, UnusableFile, unread_format

ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
OLE_START = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
STRICT_FORMAT = "Strict Open XML"
PROTECTED = (
    "illisible, protégé par un mot de passe. "
    "Ouvrez-le dans Excel, ôtez le mot de passe (Fichier, Informations, Protéger le classeur) et enregistrez-le."
)
PROTECTED_OR_OLD = (
    "illisible (protégé par un mot de passe, ou d'un ancien format d'Office). "
    "Ôtez le mot de passe dans Excel et enregistrez-le en « Classeur Excel (.xlsx) »."
)
DAMAGED = "illisible (abîmé ou incomplet). Ouvrez-le dans Excel et enregistrez-le en « Classeur Excel (.xlsx) »."
EMPTY = f"illisible (fichier vide). {SAVE_AS_WORKBOOK}"
NOT_A_WORKBOOK = f"illisible (ce n'est pas un classeur .xlsx). {SAVE_AS_WORKBOOK}"
# Streams of OLE containers, whose names are in UTF-16 (MS-CFB 2.6.1).
OLE_STREAMS: Mapping[str, str] = {
    "WordDocument": "Word (.doc)",
    "Workbook": "Excel 97-2003 (.xls)",
    "Book": "Excel 95 (.xls)",
}
MAGIC_NUMBERS: Mapping[bytes, str] = {
    b"%PDF": "PDF",
    b"{\\rtf": "RTF",
    b"\x1f\x8b": "archive gzip",
    b"7z\xbc\xaf": "archive 7z",
    b"Rar!": "archive RAR",
    b"\x89PNG": "image PNG",
    b"\xff\xd8\xff": "image JPEG",
    b"PAR1": "Parquet",
    b"\x09\x00\x04\x00": "Excel 2 (.xls)",
    b"\x09\x02\x06\x00": "Excel 3 (.xls)",
    b"\x09\x04\x06\x00": "Excel 4 (.xls)",
}
MARKUP: Mapping[str, str] = {
    "excel.sheet": "Feuille de calcul XML 2003",
    "office:document": "OpenDocument (.fods)",
    "<html": "page HTML",
    "<table": "page HTML",
    "<!doctype html": "page HTML",
}


def recognize_unread(content: bytes) -> UnusableFile | None:
    """Return the error for a file of a recognized format, None for what may be an archive or text."""
    if content.startswith(OLE_START):
        return _recognize_ole(content)
    for magic, name in MAGIC_NUMBERS.items():
        if content.startswith(magic):
            return unread_format(name)
    head = content[:2048].decode("latin-1").replace("\x00", "").casefold()
    if re.match(r"[^<\w]*<[?!\w]", head, re.ASCII):
        return next((unread_format(name) for mark, name in MARKUP.items() if mark in head), None)
    return None


def recognize_archive(names: Collection[str]) -> UnusableFile | None:
    """Return the error for a ZIP archive with these folded names, None where it may be a workbook."""
    if "xl/workbook.bin" in names:
        return unread_format("Excel binaire (.xlsb)")
    if "xl/workbook.xml" in names:
        return None
    if any(name.endswith(".iwa") or name in {"index.zip", "index.apxl", "index.xml.gz"} for name in names):
        return unread_format("Apple Numbers (.numbers)")
    if "content.xml" in names and "mimetype" in names:
        return unread_format("OpenDocument (.ods)")
    if any(name.startswith("word/") for name in names):
        return unread_format("Word (.docx)")
    return None


def _recognize_ole(content: bytes) -> UnusableFile:
    if _has_stream(content, "EncryptedPackage"):
        return UnusableFile(PROTECTED)
    name = next((name for stream, name in OLE_STREAMS.items() if _has_stream(content, stream)), None)
    return unread_format(name) if name else UnusableFile(PROTECTED_OR_OLD)


def _has_stream(content: bytes, name: str) -> bool:
    return f"{name}\0".encode("utf-16-le") in content
