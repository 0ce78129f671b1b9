"""Builder of workbooks from raw XML: what other programs write and openpyxl would not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl.utils import get_column_letter

MAIN_NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT_MAIN_NS = "http://purl.oclc.org/ooxml/spreadsheetml/main"
RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_NAMESPACE = "http://schemas.openxmlformats.org/package/2006/relationships"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
DATE_STYLE = 1  # of number format 14, the short date


@dataclass(frozen=True)
class Raw:
    """A cell as it is written: its type, its content, its style."""

    inner: str
    kind: str = "n"
    style: int = 0


def computed(formula: str, cached: str, kind: str = "n") -> Raw:
    return Raw(f"<f>{escape(formula)}</f><v>{escape(cached)}</v>", kind)


def array_formula(block: str, cached: str | None, kind: str = "n") -> Raw:
    value = "" if cached is None else f"<v>{cached}</v>"
    return Raw(f'<f t="array" ref="{block}">A1:A9</f>{value}', kind)


@dataclass(frozen=True)
class RawSheet:
    """A sheet's cells by rows, and the XML around them. A row is None where it is not written at all."""

    rows: Sequence[Sequence[object] | None]
    name: str = "Données"
    state: str = "visible"
    merged: Sequence[str] = ()
    row_attributes: Mapping[int, str] = field(default_factory=dict)  # by row number
    before: str = ""
    dimension: str = "A1:K9"
    references: bool = True
    kind: str = "worksheet"
    extra_rows: str = ""
    namespace: str = MAIN_NS

    def xml(self) -> str:
        rows = "".join(self._row(number, row) for number, row in enumerate(self.rows, start=1) if row is not None)
        blocks = "".join(f'<mergeCell ref="{block}"/>' for block in self.merged)
        after = f"<mergeCells>{blocks}</mergeCells>" if blocks else ""
        return (
            f'{HEAD}<{self.kind} xmlns="{self.namespace}"><dimension ref="{self.dimension}"/>{self.before}'
            f"<sheetData>{rows}{self.extra_rows}</sheetData>{after}</{self.kind}>"
        )

    def _row(self, number: int, row: Sequence[object]) -> str:
        cells = "".join(self._cell(number, column, value) for column, value in enumerate(row, start=1))
        reference = f' r="{number}"' if self.references else ""
        return f"<row{reference} {self.row_attributes.get(number, '')}>{cells}</row>"

    def _cell(self, row: int, column: int, value: object) -> str:
        raw = _raw(value)
        if raw is None and self.references:
            return ""
        raw = raw or Raw("")
        reference = f' r="{get_column_letter(column)}{row}"' if self.references else ""
        return f'<c{reference} t="{raw.kind}" s="{raw.style}">{raw.inner}</c>'


@dataclass(frozen=True)
class RawWorkbook:
    """A workbook's sheets, and what holds for all of them. `parts` replaces whole parts, or adds some."""

    sheets: Sequence[RawSheet]
    shared: Sequence[str] = ()  # the XML inside each <si>
    formats: Mapping[int, str] = field(default_factory=dict)
    format_ids: Sequence[int] = (0, 14)
    date1904: bool = False
    recalculates: bool = False
    parts: Mapping[str, str | bytes] = field(default_factory=dict)

    def write(self, file: Path) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        with ZipFile(file, "w", ZIP_DEFLATED) as archive:
            for name, content in {**self._own_parts(), **self.parts}.items():
                archive.writestr(name, content)
        return file

    def _own_parts(self) -> dict[str, str | bytes]:
        names = [f"worksheets/sheet{number}.xml" for number in range(1, len(self.sheets) + 1)]
        targets = [(sheet.kind, name) for sheet, name in zip(self.sheets, names, strict=True)]
        targets += [("styles", "styles.xml"), *([("sharedStrings", "sharedStrings.xml")] if self.shared else [])]
        parts: dict[str, str | bytes] = {
            "[Content_Types].xml": f"{HEAD}<Types/>",
            "_rels/.rels": _relationships([("officeDocument", "xl/workbook.xml")]),
            "xl/workbook.xml": self._workbook(),
            "xl/_rels/workbook.xml.rels": _relationships(targets),
            "xl/styles.xml": self._styles(),
        }
        if self.shared:
            items = "".join(f"<si>{item}</si>" for item in self.shared)
            parts["xl/sharedStrings.xml"] = f'{HEAD}<sst xmlns="{MAIN_NS}">{items}</sst>'
        return parts | {f"xl/{name}": sheet.xml() for name, sheet in zip(names, self.sheets, strict=True)}

    def _workbook(self) -> str:
        sheets = "".join(
            f'<sheet name={quoteattr(sheet.name)} sheetId="{number}" state="{sheet.state}" r:id="rId{number}"/>'
            for number, sheet in enumerate(self.sheets, start=1)
        )
        return (
            f'{HEAD}<workbook xmlns="{MAIN_NS}" xmlns:r="{RELATIONSHIPS}"><workbookPr date1904="{int(self.date1904)}"/>'
            f'<sheets>{sheets}</sheets><calcPr fullCalcOnLoad="{int(self.recalculates)}"/></workbook>'
        )

    def _styles(self) -> str:
        formats = "".join(
            f'<numFmt numFmtId="{number}" formatCode={quoteattr(code)}/>' for number, code in self.formats.items()
        )
        styles = "".join(f'<xf numFmtId="{number}"/>' for number in self.format_ids)
        return (
            f'{HEAD}<styleSheet xmlns="{MAIN_NS}"><numFmts>{formats}</numFmts><cellStyleXfs><xf numFmtId="14"/>'
            f"</cellStyleXfs><cellXfs>{styles}</cellXfs></styleSheet>"
        )


def _raw(value: object) -> Raw | None:
    match value:
        case None | Raw():
            return value
        case bool():
            return Raw(f"<v>{int(value)}</v>", "b")
        case int() | float():
            return Raw(f"<v>{value}</v>")
    return Raw(f"<is><t>{escape(str(value))}</t></is>", "inlineStr")


def _relationships(targets: Iterable[tuple[str, str]]) -> str:
    items = "".join(
        f'<Relationship Id="rId{number}" Type="{RELATIONSHIPS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'{HEAD}<Relationships xmlns="{PACKAGE_NAMESPACE}">{items}</Relationships>'
