"""Somebody who reads the figures over the Thrift server all the while, and has to see each table whole."""

from collections import Counter
from dataclasses import dataclass, field
from threading import Event

from chaos.system_under_test import SystemUnderTest
from chaos.writer import FIRST_VISITOR_ID
from lakehouse.errors import NotReady
from lakehouse.serving.client import query
from lakehouse.source.postgres import connect

QUERY_INTERVAL = 2.0  # seconds
FIGURES_QUERY = f"""
    SELECT count(*), count(DISTINCT employee_id), count_if(employee_id < {FIRST_VISITOR_ID}) FROM gold.v_prime_sportive
"""  # noqa: S608 - made of a constant


@dataclass
class BiReader:
    """Counts the answers, and notes those that cannot be: a table seen in part, or twice."""

    system: SystemUnderTest
    outcomes: Counter[str] = field(default_factory=Counter)
    anomalies: list[str] = field(default_factory=list)

    def run(self, stop: Event) -> None:
        """Read until told to stop; an answer that is refused is wrong too."""
        with connect(self.system.settings) as conn:
            row = conn.execute("SELECT count(*) FROM rh_employees WHERE id < %s", [FIRST_VISITOR_ID]).fetchone()
            employee_count = row[0] if row else 0
        while not stop.wait(QUERY_INTERVAL):
            try:
                [(rows, distinct_employees, employee_rows)] = query(self.system.settings, FIGURES_QUERY).rows
            except NotReady:
                self.outcomes["no server"] += 1
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, it is not the figures
                self.anomalies.append(f"read over Thrift: {str(error)[:300]}")
                continue
            # Before the first refresh there are none.
            is_complete = rows == distinct_employees and employee_rows == employee_count
            if is_complete or (rows == 0 and not self.outcomes["whole"]):
                self.outcomes["whole" if is_complete else "empty"] += 1
            else:
                self.anomalies.append(
                    f"read over Thrift: {rows} rows of {distinct_employees} people, {employee_rows} of the {employee_count} employees"
                )
