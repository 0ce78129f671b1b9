"""Take in every change of the captured tables: one flow a table, from its topic into Bronze, until stopped."""

import argparse
from contextlib import closing
from dataclasses import replace
from functools import partial

from pyspark.sql.streaming.query import StreamingQuery

from lakehouse import logs
from lakehouse.alive import sign
from lakehouse.cdc import bronze
from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.session import session
from lakehouse.cdc.source import claim, make_bronze
from lakehouse.cdc.watch import watch
from lakehouse.contracts import CAPTURED
from lakehouse.errors import NotReady, run
from lakehouse.gold.refresh import make_tables
from lakehouse.settings import Settings
from lakehouse.source.identity import identify, require_no_older
from lakehouse.source.lease import Lease
from lakehouse.source.roles import as_worker
from lakehouse.waiting import Stop, carry_on


def main() -> None:
    example = "example: python scripts/Jobs_Spark/continuous_master_stream.py"
    argparse.ArgumentParser(description=__doc__, epilog=example).parse_args()
    settings, stop = as_worker(Settings()), Stop().on_sigterm()
    logs.configure(settings.log_format)
    log = logs.logger("stream")
    through_outages = partial(carry_on, away=(NotReady,), say=log.warning, stop=stop)
    catalog, held = Catalog(settings.lake), Lease(settings, "stream")
    through_outages(held.hold)
    if stop.is_set():
        return
    make_tables(catalog)
    # The JVM takes longer to start than the topics to be made.
    with closing(held), session(settings, "stream") as spark:
        through_outages(lambda: make_bronze(catalog, identify(settings, CAPTURED), *CAPTURED))
        flows = {one.table: partial(start, settings, Lake(spark, catalog), held, one) for one in CAPTURED}
        watch(flows, log, stop.wait, sign(settings.alive_file))


def start(settings: Settings, lake: Lake, held: Lease, contract: Contract) -> StreamingQuery:
    """Start a flow where its Bronze table ends, once it is certain whose table that is and who may write it."""
    term = held.hold()
    claimed = claim(lake.catalog, identify(settings, [contract]), contract)
    require_no_older(settings, lake.catalog, [contract])
    mine = replace(lake, may_commit=partial(held.check, term))
    return bronze.flow(mine, contract, settings.kafka_bootstrap_servers, claimed)


if __name__ == "__main__":
    run(main)
