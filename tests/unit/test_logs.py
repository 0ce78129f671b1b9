"""A log shows what failed and where, and no personal data."""

import subprocess
import sys

import pytest

FAILING_PROGRAM = """
import logging, sys
from lakehouse import logs
logs.configure(sys.argv[1])
home = sys.argv[2]
try:
    raise ArithmeticError("so")
except ArithmeticError:
    logging.getLogger("a library").exception("it failed")
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_librarys_traceback_shows_no_values(form: str) -> None:
    completed = subprocess.run(
        [sys.executable, "-c", FAILING_PROGRAM, form, "SecretHome"], capture_output=True, text=True, check=True
    )
    assert "ArithmeticError" in completed.stderr
    assert "SecretHome" not in completed.stderr


def test_py4j_which_raises_its_errors_does_not_log_them_too() -> None:
    program = """
import logging
from lakehouse import logs
logs.configure()
exec(compile("logging.exception('of py4j')", "/packages/py4j/java_gateway.py", "exec"))
logging.error("of another")
"""
    completed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "of py4j" not in completed.stderr
    assert "of another" in completed.stderr
