"""HR's files as sheets, without interpretation of their contents."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.parsers.expat import ExpatError

from lakehouse.errors import BadInput
from lakehouse.hr.csv_encoding import SAMPLE_BYTES, detect_encoding, find_other_encoding
from lakehouse.hr.csv_lines import read_csv_sheets
from lakehouse.hr.file_formats import DAMAGED, EMPTY, NOT_A_WORKBOOK, ZIP_STARTS, recognize_unread
from lakehouse.hr.files import UnusableFile, unread_format
from lakehouse.hr.lines import Sheet
from lakehouse.hr.workbook_sheets import read_workbook_sheets
from lakehouse.hr.xlsx_package import MAX_UNPACKED_BYTES, ZIP_DAMAGE, Package


@dataclass(frozen=True)
class SheetFile:
    """The sheets of a file, which are read one after another.

    A CSV has one for each delimiter. `find_encoding` returns the name of an encoding in which a CSV has the titles.
    """

    sheets: Iterator[Sheet]
    hidden_names: Sequence[str] = ()
    is_csv: bool = False
    find_encoding: Callable[[Collection[str]], str | None] = lambda _titles: None


@contextmanager
def open_sheets(file: Path) -> Iterator[SheetFile]:
    """Open a workbook or a CSV until the block ends.

    Raises BadInput where it cannot be read, also from within the block. Other errors are bugs and stay what they are.
    """
    try:
        if file.suffix.casefold() != ".xlsx":
            yield _open_csv(file)
        else:
            with _open_package(file) as package:
                workbook = read_workbook_sheets(package)
                yield SheetFile(workbook.sheets, workbook.hidden_names)
    except UnusableFile as error:
        raise BadInput(error.describe(file)) from None
    except (*ZIP_DAMAGE, ExpatError):
        raise BadInput(UnusableFile(DAMAGED).describe(file)) from None
    except TimeoutError:
        raise
    except OSError as error:
        reason = f"illisible ({error.strerror}). Fermez-le dans les autres programmes, et vérifiez vos droits d'accès."
        raise BadInput(UnusableFile(reason).describe(file)) from None


def _open_package(file: Path) -> closing[Package]:
    with file.open("rb") as opened:
        is_zip = opened.read(4).startswith(ZIP_STARTS)
    if not is_zip:
        content = _read_bytes(file)
        raise recognize_unread(content) or UnusableFile(NOT_A_WORKBOOK if content else EMPTY)
    return closing(Package.open(file))


def _open_csv(file: Path) -> SheetFile:
    content = _read_bytes(file)
    if content.startswith(ZIP_STARTS):
        raise unread_format("classeur ou archive ZIP, malgré son nom en .csv")
    if unread := recognize_unread(content):
        raise unread
    encoding = detect_encoding(content)
    return SheetFile(
        read_csv_sheets(file, encoding),
        is_csv=True,
        find_encoding=partial(find_other_encoding, content[:SAMPLE_BYTES]),
    )


def _read_bytes(file: Path) -> bytes:
    if file.stat().st_size > MAX_UNPACKED_BYTES:
        raise UnusableFile(f"plus de {MAX_UNPACKED_BYTES >> 20} Mio. Gardez seulement les colonnes demandées.")
    return file.read_bytes()
