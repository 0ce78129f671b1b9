"""Somebody who reads the figures over the Thrift server all the while, and has to see each table whole."""

from collections import Counter
from dataclasses import dataclass, field
from threading import Event

from chaos.system import System
from chaos.work import VISITORS
from lakehouse.errors import NotReady
from lakehouse.serving.client import query
from lakehouse.source.postgres import connect

PAUSE = 2.0  # seconds
FIGURES = f"""
    SELECT count(*), count(DISTINCT employee_id), count_if(employee_id < {VISITORS}) FROM gold.v_prime_sportive
"""  # noqa: S608 - made of a constant


@dataclass
class Reader:
    """Counts the answers, and notes those that cannot be: a table seen in part, or twice."""

    system: System
    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def run(self, stop: Event) -> None:
        """Read until told to stop; an answer that is refused is wrong too."""
        with connect(self.system.settings) as conn:
            row = conn.execute("SELECT count(*) FROM rh_employees WHERE id < %s", [VISITORS]).fetchone()
            staff = row[0] if row else 0
        while not stop.wait(PAUSE):
            try:
                [(rows, people, ours)] = query(self.system.settings, FIGURES).rows
            except NotReady:
                self.done["no server"] += 1
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, it is not the figures
                self.wrong.append(f"read over Thrift: {str(error)[:300]}")
                continue
            # Before the first refresh there are none.
            whole = rows == people and ours == staff
            if whole or (rows == 0 and not self.done["whole"]):
                self.done["whole" if whole else "empty"] += 1
            else:
                self.wrong.append(f"read over Thrift: {rows} rows of {people} people, {ours} of the {staff} employees")
