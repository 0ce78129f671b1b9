"""The Spark Thrift server's command and configuration, with its catalog (Derby) in a folder of its own."""

import hashlib
import shutil
from pathlib import Path

from lakehouse import properties
from lakehouse.access_journal import create_journal_folder
from lakehouse.gold.views import load_views
from lakehouse.serving.access import check_access, prepare_access
from lakehouse.serving.owner_login import create_owner_password
from lakehouse.settings import Settings
from lakehouse.spark.jvm_options import authentication_conf, jvm_options, quote, spark_home

# Spark's own, with our logins and the check of each statement.
MAIN_CLASS = "lakehouse.serving.GuardedThriftServer"
CATALOG = "catalog"  # folder of Derby's, in that of the catalog
# The last extension's parser is the first to read a statement.
EXTENSIONS = "io.delta.sql.DeltaSparkSessionExtension,lakehouse.cache.CacheExtension,lakehouse.serving.GateExtension"
VIEW_DIGESTS = "views.sha256"  # file in the folder of a catalog: the queries behind the views, as this version has them
READY_MARKER = "whole"  # file in the folder of a catalog that has served


def prepare(settings: Settings, folder: Path) -> tuple[str, ...]:
    """Write the configuration into the folder, and return the command that starts the server.

    Raises UsageError where other machines could read without a login or in clear.
    A catalog that never served may be incomplete and is deleted. Any other is kept, so that a server that one question
    ended is back with its views.
    """
    check_access(settings)
    if not (folder / READY_MARKER).exists():
        shutil.rmtree(folder, ignore_errors=True)
    for leftover in ("scratch", "tmp"):
        shutil.rmtree(folder / leftover, ignore_errors=True)  # of a server that was killed
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    create_owner_password(settings.thrift_owner_file)
    create_journal_folder(settings.access_journal_dir)
    (folder / VIEW_DIGESTS).write_text(render_view_digests(settings), encoding="ascii")
    conf = folder / "spark.conf"
    access = properties.render(prepare_access(settings, folder))
    conf.write_text(f"{render_spark_conf(settings, folder)}\n{access}", encoding="utf-8")
    submit = (str(spark_home() / "bin" / "spark-submit"), "--properties-file", str(conf), "--class", MAIN_CLASS)
    # Jars on the driver's class path: with --jars a second session finds no Delta.
    return (*submit, "--driver-class-path", str(settings.jars_dir / "spark" / "*"), "spark-internal")


def render_spark_conf(settings: Settings, folder: Path) -> str:
    """Return the server's Spark configuration: shared settings, its own settings, then ports and folders."""
    temp = folder / "tmp"
    server_conf = {
        "spark.master": settings.spark_master,
        **authentication_conf(settings),
        "spark.sql.extensions": EXTENSIONS,
        "spark.sql.catalog.spark_catalog": "lakehouse.cache.ViewCatalog",
        # With it, ${env:NAME} in a statement is the value of the server's variable.
        "spark.sql.variable.substitute": "false",
        "spark.lakehouse.owner.password.file": settings.thrift_owner_file,
        "spark.lakehouse.gate.views": folder / VIEW_DIGESTS,
        "spark.lakehouse.gate.lake": settings.lake,
        "spark.lakehouse.access.folder": settings.access_journal_dir,
        "spark.lakehouse.access.days": settings.access_journal_days,
        "spark.sql.warehouse.dir": folder / "warehouse",
        "spark.hadoop.hive.server2.thrift.port": settings.thrift_port,
        "spark.hadoop.hive.server2.thrift.bind.host": settings.thrift_bind,
        # Below derby.system.home: a semicolon in the folder's own path would end the name.
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={CATALOG};create=true",
        "spark.hadoop.hive.exec.scratchdir": folder / "scratch",
        "spark.driver.extraJavaOptions": f"{jvm_options(settings, temp)} {quote(f'-Dderby.system.home={folder}')}",
    }
    shared = [
        (settings.tuning_dir / name).read_text(encoding="utf-8") for name in ("spark-defaults.conf", "thrift.conf")
    ]
    return "\n".join([*shared, properties.render(server_conf)])


def render_view_digests(settings: Settings) -> str:
    """Return the SHA-256 of each view's query, one a line: the server reads no view of another text."""
    views = load_views(settings.lake, journal=str(settings.access_journal_dir))
    queries = (view.query.strip() for view in views)
    return "".join(f"{hashlib.sha256(query.encode()).hexdigest()}\n" for query in queries)
