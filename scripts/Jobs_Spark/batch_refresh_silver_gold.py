"""Merge new changes into Silver and compute Gold: current figures, figures as of another day, or scenarios."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession
from rich.console import Console

from lakehouse import logs
from lakehouse.clock import today
from lakehouse.errors import run
from lakehouse.refresh.jvm_settings import settings_for_backlog
from lakehouse.refresh.options import build_parser, parse
from lakehouse.refresh.refresh_job import run_refresh
from lakehouse.refresh.refresh_report import show
from lakehouse.refresh.watcher import watch
from lakehouse.source.roles import loader_settings
from lakehouse.spark.session import cancel_jobs_on_interrupt, session


def main() -> None:
    options, settings = parse(build_parser(__doc__ or ""), today()), loader_settings()
    logs.configure(settings.log_format)
    if options.watch:
        watch(settings, options, options.watch)
        return

    @contextmanager
    def open_session() -> Iterator[SparkSession]:
        with Console().status("refreshing"):
            backlog = settings_for_backlog(settings, rebuild_silver=options.rebuild_silver)
            with session(settings, "refresh", backlog, warm=True) as spark:
                yield spark

    cancel_jobs_on_interrupt()
    show(run_refresh(settings, options, open_session), today())


if __name__ == "__main__":
    run(main)
