"""The table of docs/ports.md that says what listens, and where."""

import re
from dataclasses import dataclass

from lakehouse.settings import ROOT

PORT_ROW = re.compile(r"^\| (local|compose) \| ([\w-]+) \| (?:`(\w+)` )?\| (\d+|any) \| ([\d.]+) \|", re.MULTILINE)


@dataclass(frozen=True)
class Port:
    """A documented port; `variable` is empty, and `default` None, where each start chooses another one."""

    service: str
    variable: str
    default: int | None
    address: str


def documented_ports(mode: str) -> list[Port]:
    """Return the documented ports of a mode, `local` or `compose`."""
    text = (ROOT / "docs" / "ports.md").read_text(encoding="utf-8")
    return [
        Port(service, variable, None if number == "any" else int(number), address)
        for row_mode, service, variable, number, address in PORT_ROW.findall(text)
        if row_mode == mode
    ]
