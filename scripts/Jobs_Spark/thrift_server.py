"""Serve Gold's views over Thrift to Power BI and beeline. init_views.py creates the views in the running server."""

import os

from lakehouse import logs
from lakehouse.arguments import Parser, PathName
from lakehouse.errors import run
from lakehouse.serving.server import prepare
from lakehouse.settings import Settings
from lakehouse.spark.jvm_environment import export_jvm_environment

# Of glibc: by default each of some hundred threads may get a pool of its own, whose free memory nobody else gets.
FEW_MALLOC_POOLS = ("MALLOC_ARENA_MAX", "2")
# Spark looks for Python's data sources at each name that is no view: a process, and a port that anybody may call.
WITHOUT_PYTHON = {"PYSPARK_PYTHON": "/none", "PYSPARK_DRIVER_PYTHON": "/none"}


def main() -> None:
    """Replace this process with the server, so that signals to stop reach the server."""
    parser = Parser(
        description=__doc__, epilog="example: python scripts/Jobs_Spark/thrift_server.py --catalog .local/thrift"
    )
    parser.add_argument(
        "--catalog", type=PathName(), required=True, metavar="DIR", help="the folder of the views' catalog"
    )
    options = parser.parse_args()
    settings = Settings()
    logs.configure(settings.log_format)
    export_jvm_environment(settings)
    os.environ.setdefault(*FEW_MALLOC_POOLS)
    os.environ |= WITHOUT_PYTHON
    command = prepare(settings, options.catalog.resolve())
    os.execv(command[0], command)  # noqa: S606 - no shell is needed


if __name__ == "__main__":
    run(main)
