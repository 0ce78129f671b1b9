"""A BI client that queries a figure over the Thrift server throughout a run; a partial table is an anomaly."""

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
"""  # noqa: S608 - built from a constant


@dataclass
class BiReader:
    """A reader that counts query outcomes (complete, empty, unreachable) and lists anomalies.

    An anomaly is a failed query, or a result that lacks employees or has one twice.
    """

    system: SystemUnderTest
    outcomes: Counter[str] = field(default_factory=Counter)
    anomalies: list[str] = field(default_factory=list)

    def run(self, stop: Event) -> None:
        """Query every two seconds until `stop` is set; a query error other than NotReady is an anomaly."""
        with connect(self.system.settings) as conn:
            row = conn.execute("SELECT count(*) FROM rh_employees WHERE id < %s", [FIRST_VISITOR_ID]).fetchone()
            employee_count = row[0] if row else 0
        while not stop.wait(QUERY_INTERVAL):
            try:
                [(rows, distinct_employees, employee_rows)] = query(self.system.settings, FIGURES_QUERY).rows
            except NotReady:
                self.outcomes["unreachable"] += 1
                continue
            except Exception as error:  # noqa: BLE001 - any other error is an anomaly
                self.anomalies.append(f"read over Thrift: {str(error)[:300]}")
                continue
            # Before the first refresh the table is empty.
            is_complete = rows == distinct_employees and employee_rows == employee_count
            if is_complete or (rows == 0 and not self.outcomes["complete"]):
                self.outcomes["complete" if is_complete else "empty"] += 1
            else:
                self.anomalies.append(
                    f"read over Thrift: {rows} rows of {distinct_employees} people, "
                    f"{employee_rows} of the {employee_count} employees"
                )
