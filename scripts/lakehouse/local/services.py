"""The services of local mode, by the names that their containers have."""

import sys
from pathlib import Path

from lakehouse.contracts import CAPTURED
from lakehouse.local import connect, kafka, postgres, thrift
from lakehouse.local.java import java_home
from lakehouse.local.service import Service
from lakehouse.settings import ROOT, Settings

JOBS = ROOT / "scripts" / "Jobs_Spark"


def services(home: Path, settings: Settings) -> list[Service]:
    """Give all services of a stack, in the order in which they start where none has to wait for another."""
    java = settings.java_home or java_home(home)
    return [
        postgres.service(home, settings),
        kafka.service(home, settings, java),
        _stream_processor(settings),
        thrift.service(home, settings),
        connect.service(home, settings, java),
        _job("registrar", "register_connector.py", after=("connect", "postgres")),
        _job("distance-worker", "distance_worker.py", after=("kafka", "postgres")),
        _job("slack-notifier", "slack_new_activity_notifier.py", after=("kafka", "postgres")),
        _job("thrift-init", "init_views.py", after=("spark-thrift", "stream-processor"), once=True),
    ]


def _job(name: str, script: str, *, after: tuple[str, ...], once: bool = False) -> Service:
    return Service(name=name, command=(sys.executable, "-u", str(JOBS / script)), after=after, once=once)


def _stream_processor(settings: Settings) -> Service:
    return Service(
        name="stream-processor",
        command=(sys.executable, "-u", str(JOBS / "continuous_master_stream.py")),
        address=settings.lake,
        missing=lambda: _missing_tables(settings.lake),
    )


def _missing_tables(lake: str) -> str | None:
    """Give which Bronze tables are not made yet, in a lake that is a folder; elsewhere the jobs wait by themselves."""
    if "://" in lake:
        return None
    tables = [contract.table for contract in CAPTURED]
    absent = [table for table in tables if not (Path(lake) / "bronze" / table / "_delta_log").is_dir()]
    return f"its tables in {lake}/bronze: {', '.join(absent)}" if absent else None
