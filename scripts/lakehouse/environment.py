"""The environment of our processes, without the variables that other installations on the machine set for themselves.

Spark, Java, libpq and Python each read some dozens of variables. One that was meant for another program changes ours:
SPARK_HOME starts another Spark, PGSSLMODE refuses our Postgres, PYTHONPATH imports another package.
What may differ between machines is a setting of ours (lakehouse.settings), such as JAVA_HOME or DB_SSLMODE.
"""

import os
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path

CHECKOUT_FOLDER = Path(__file__).resolve().parents[2]
ENVIRONMENT_ONLY_VAR = "LAKEHOUSE_ENVIRONMENT_ONLY"  # set where a stack runs a program
# The Makefile has the same lists. LD_PRELOAD and its like stay: they are the machine's, not an installation's.
FOREIGN_PREFIXES = (
    *("SPARK_", "PYSPARK_", "HADOOP_", "HDFS_", "YARN_", "HIVE_", "LOG4J_"),
    *("JAVA_", "JDK_", "_JAVA_"),
    "PG",
    "PYTHON",
)
FOREIGN_NAMES = frozenset({"CLASSPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__"})
# JAVA_HOME names the user's Java. SPARK_MASTER and SPARK_UI_PORT are settings. make's PYTHON names an interpreter.
OUR_NAMES = frozenset({"JAVA_HOME", "SPARK_MASTER", "SPARK_UI_PORT", "PYTHON"})
PYTHON_PATH = "PYTHONPATH"
# How output is buffered and whether bytecode is written changes nothing that a program does.
HARMLESS_NAMES = frozenset({"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"})
# Java encodes the names of files as the locale says: in the C locale it finds no folder with an accent.
UTF8_LOCALE = {"LC_ALL": "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"}


def is_foreign(name: str) -> bool:
    """Return whether a variable belongs to another installation."""
    if name in OUR_NAMES or name in HARMLESS_NAMES:
        return False
    return name in FOREIGN_NAMES or name.startswith(FOREIGN_PREFIXES)


def without_foreign(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without those of other installations; of PYTHONPATH, the folders of this checkout stay."""
    ours = {name: value for name, value in variables.items() if not is_foreign(name)}
    # Absolute, for a child may run elsewhere.
    named = [Path(folder).resolve() for folder in variables.get(PYTHON_PATH, "").split(os.pathsep) if folder]
    folders = [str(folder) for folder in named if folder.is_relative_to(CHECKOUT_FOLDER)]
    return {**ours, PYTHON_PATH: os.pathsep.join(folders)} if folders else ours


def leave_out_foreign(variables: MutableMapping[str, str]) -> None:
    """Delete the variables of other installations in place: from os.environ, that is, also for libpq and children."""
    ours = without_foreign(variables)
    for name in [*variables]:
        if name not in ours:
            del variables[name]
    variables.update(ours)
