"""The ZIP container of a workbook: its parts by name, inflated bit by bit and counted."""

import posixpath
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote
from zipfile import BadZipFile, ZipFile, ZipInfo

from lakehouse.hr.file_formats import DAMAGED, PROTECTED, recognize_archive
from lakehouse.hr.files import UnusableFile

MAX_UNPACKED_BYTES = 256 * 2**20
INFLATED_CHUNK_BYTES = 2**16
ENCRYPTED_FLAG = 1
TOO_LARGE_ARCHIVE = (
    f"plus de {MAX_UNPACKED_BYTES >> 20} Mio une fois décompressé. "
    "Gardez seulement la feuille et les colonnes demandées, copiées dans un nouveau classeur."
)
ZIP_DAMAGE = (BadZipFile, zlib.error, EOFError)


@dataclass
class Package:
    """A workbook's parts. Names of parts are compared without case, as the packaging standard (OPC) says."""

    archive: ZipFile
    parts: Mapping[str, ZipInfo]
    bytes_left: int = MAX_UNPACKED_BYTES

    @classmethod
    def open(cls, file: Path) -> "Package":
        """Return the package. Raises UnusableFile where the file is no workbook, or another format."""
        try:
            archive = ZipFile(file)
        except (BadZipFile, NotImplementedError, UnicodeDecodeError, struct.error, ValueError):
            raise UnusableFile(DAMAGED) from None
        parts: dict[str, ZipInfo] = {}
        for info in archive.infolist():
            if fold_part_name(info.filename) in parts:
                raise UnusableFile(DAMAGED)  # two readers would read two workbooks
            parts[fold_part_name(info.filename)] = info
        if unread := recognize_archive(parts):
            raise unread
        return cls(archive, parts)

    def close(self) -> None:
        self.archive.close()

    def __contains__(self, part: str) -> bool:
        return fold_part_name(part) in self.parts

    def chunks(self, part: str) -> Iterator[bytes]:
        """Yield the inflated bytes of a part. Raises UnusableFile once the package exceeds 256 MiB."""
        info = self.parts.get(fold_part_name(part))
        if info is None:
            raise UnusableFile(DAMAGED)
        if info.flag_bits & ENCRYPTED_FLAG:
            raise UnusableFile(PROTECTED)
        try:
            opened = self.archive.open(info)
        except NotImplementedError:  # a compression that zipfile does not know
            raise UnusableFile(DAMAGED) from None
        with opened:
            while chunk := opened.read(INFLATED_CHUNK_BYTES):
                self.bytes_left -= len(chunk)
                if self.bytes_left < 0:
                    raise UnusableFile(TOO_LARGE_ARCHIVE)
                yield chunk


def fold_part_name(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()


def resolve_target(part: str, target: str) -> str:
    """Return the part's name that a relationship of another part targets."""
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(part), unquote(target))).lstrip("/")
