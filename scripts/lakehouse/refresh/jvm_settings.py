"""The settings of a refresh's JVM that depend on how many changes wait in Bronze, read without Spark."""

from lakehouse.cdc import table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.offsets import lag
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.settings import Settings
from lakehouse.spark.prefixed_conf import settings_under
from lakehouse.spark.session import conf

# In refresh.conf, before the name of a setting of a JVM that starts with so many changes to merge.
LONG_RUN_CONF_PREFIX = "spark.lakehouse.longRun."
LONG_RUN_CHANGES = 500_000


def settings_for_backlog(settings: Settings, *, rebuild_silver: bool) -> dict[str, str]:
    """Return the long run's settings where more than LONG_RUN_CHANGES are to be merged, else none."""
    store = TableStore(settings.lake)
    changes = sum(_changes_to_merge(store, contract, rebuild_silver=rebuild_silver) for contract in CAPTURED)
    return settings_under(LONG_RUN_CONF_PREFIX, conf(settings, "refresh")) if changes > LONG_RUN_CHANGES else {}


def _changes_to_merge(store: TableStore, contract: Contract, *, rebuild_silver: bool) -> int:
    if not store.exists("bronze", contract.table):
        return 0
    has_silver = store.exists("silver", f"{contract.table}_versions") and not rebuild_silver
    merged = table_stats.silver_offsets(store, contract) if has_silver else {}
    return lag(merged, table_stats.bronze_offsets(store, contract))
