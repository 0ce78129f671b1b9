"""The Spark Thrift server: Gold's views for Power BI and beeline."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from lakehouse.errors import LakehouseError, NotReady
from lakehouse.java_options import java_options
from lakehouse.local.addresses import HERE
from lakehouse.local.service import Service
from lakehouse.serving.client import query
from lakehouse.settings import ROOT, Settings

MAIN = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"


def service(home: Path, settings: Settings) -> Service:
    """Give the Thrift server, with its catalog (Derby) in home/thrift."""
    folder = home / "thrift"
    conf = folder / "spark.conf"
    jars = str(settings.jars_dir / "spark" / "*")
    submit = (str(_spark_home() / "bin" / "spark-submit"), "--properties-file", str(conf), "--class", MAIN)
    return Service(
        name="spark-thrift",
        # Jars on the driver's class path: with --jars a second session finds no Delta.
        command=(*submit, "--driver-class-path", jars, "spark-internal"),
        address=f"{settings.thrift_host}:{settings.thrift_port}",
        prepare=lambda: _prepare(folder, conf, settings),
        missing=lambda: _missing(settings),
        first=(folder / "whole").touch,
    )


def spark_conf(settings: Settings, folder: Path) -> str:
    """Give the server's settings: what all jobs share, its own, then where it serves and keeps its catalog."""
    where = {
        "spark.master": settings.spark_master,
        "spark.sql.warehouse.dir": folder / "warehouse",
        "spark.hadoop.hive.server2.thrift.port": settings.thrift_port,
        "spark.hadoop.hive.server2.thrift.bind.host": HERE,
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/catalog;create=true",
        "spark.hadoop.hive.exec.scratchdir": folder / "scratch",
        "spark.local.dir": folder / "tmp",
        "spark.driver.extraJavaOptions": java_options(settings),
    }
    shared = [(ROOT / "spark" / name).read_text(encoding="utf-8") for name in ("spark-defaults.conf", "thrift.conf")]
    return "\n".join([*shared, *(f"{key} {value}" for key, value in where.items()), ""])


def _prepare(folder: Path, conf: Path, settings: Settings) -> None:
    """Write the settings; a catalog that never served may be half made, and goes: views are applied at each start."""
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    conf.write_text(spark_conf(settings, folder), encoding="utf-8")


def _missing(settings: Settings) -> str | None:
    try:
        query(settings, "SELECT 1")
    except NotReady as error:
        return f"the Thrift server to answer ({error})"
    return None


def _spark_home() -> Path:
    package = find_spec("pyspark")
    if package is None or not package.submodule_search_locations:
        raise LakehouseError("PySpark is not installed. Run `make .venv`.")
    return Path(package.submodule_search_locations[0])
