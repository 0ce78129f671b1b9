"""What capture needs of each table's settings in Postgres and of the connector's: a comparison without any effect."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lakehouse.cdc.contract import Contract
from lakehouse.contracts.company import CREATE_TABLES, RESNAPSHOT_HINT

OPERATIONS = ("insert", "update", "delete", "truncate")
REPLICA_IDENTITIES = {"d": "DEFAULT", "f": "FULL", "i": "USING INDEX", "n": "NOTHING"}
SUPPORTED_IDENTITIES = ("d", "f")
REGISTER_HINT = "python scripts/Jobs_Spark/register_connector.py --once"
# They differ between processes: each reaches Postgres by its own address.
ADDRESS_SETTINGS = frozenset(
    f"database.{name}"
    for name in ("hostname", "port", "dbname", "user", "password", "sslmode", "sslrootcert", "sslcert", "sslkey")
)


@dataclass(frozen=True)
class Finding:
    """A setting that loses changes, or a snapshot that is owed: of one table, as schema.table, or of all (None).

    `remedy` is a command, or SQL to paste. `loses_changes` is true where some may be lost already.
    """

    table: str | None
    problem: str
    remedy: str
    loses_changes: bool = True

    def __str__(self) -> str:
        again = f" What changed meanwhile may be lost: {RESNAPSHOT_HINT}" if self.loses_changes else ""
        return f"{self.table or 'every table'}: {self.problem}. Remedy: {self.remedy}{again}"


@dataclass(frozen=True)
class TableSettings:
    """A table's settings as Postgres has them. `published_columns` is None where the publication lacks the table."""

    table: str
    exists: bool
    replica_identity: str = "d"
    primary_key: Sequence[str] = ()
    primary_key_name: str | None = None
    columns: Sequence[str] = ()
    generated_columns: Sequence[str] = ()
    published_columns: Sequence[str] | None = None
    row_filter: str | None = None
    published_operations: Sequence[str] = ()


def compare_tables(tables: Iterable[TableSettings], contracts: Iterable[Contract], publication: str) -> list[Finding]:
    """Return what differs from what capture needs; a table without a contract may have any key and columns."""
    contract_by_table = {f"{contract.schema}.{contract.table}": contract for contract in contracts}
    found: list[Finding] = []
    for table in tables:
        contract = contract_by_table.get(table.table)
        if not table.exists:
            found.append(Finding(table.table, "Postgres has no such table", CREATE_TABLES, loses_changes=False))
            continue
        found += _compare_identity(table)
        found += _compare_publication(table, publication)
        if contract:
            found += _compare_key(table, contract)
            found += _compare_columns(table, contract, publication)
    return found


def compare_connector(
    running: Mapping[str, str] | None, desired: Mapping[str, str], ignored: frozenset[str] = frozenset()
) -> list[Finding]:
    """Return a finding with the names of the connector's settings that differ from the desired ones, without values."""
    if running is None:
        return [Finding(None, "Kafka Connect has no connector", REGISTER_HINT)]
    differing = sorted(
        name for name in {*running, *desired} - {"name", *ignored} if running.get(name) != desired.get(name)
    )
    if not differing:
        return []
    return [Finding(None, f"the connector runs with other settings: {', '.join(differing)}", REGISTER_HINT)]


def unpublished_tables(tables: Iterable[TableSettings]) -> list[str]:
    """Return the tables that the publication lacks: the connector ignores their changes without an error."""
    return sorted(table.table for table in tables if table.published_columns is None)


def _compare_identity(table: TableSettings) -> list[Finding]:
    if table.replica_identity in SUPPORTED_IDENTITIES:
        return []
    identity = REPLICA_IDENTITIES.get(table.replica_identity, table.replica_identity)
    return [
        Finding(
            table.table,
            f"its replica identity is {identity}, so that deletes have no key",
            f"ALTER TABLE {table.table} REPLICA IDENTITY DEFAULT;",
        )
    ]


def _compare_publication(table: TableSettings, publication: str) -> list[Finding]:
    if table.published_columns is None:
        return [Finding(table.table, f"publication {publication} lacks it", f"CALL public.capture('{table.table}');")]
    found = []
    if missing := [operation for operation in OPERATIONS if operation not in table.published_operations]:
        found.append(
            Finding(
                table.table,
                f"publication {publication} does not publish {', '.join(missing)}",
                f"ALTER PUBLICATION {publication} SET (publish = '{', '.join(OPERATIONS)}');",
            )
        )
    if table.row_filter is not None:
        found.append(
            Finding(
                table.table,
                f"publication {publication} has a row filter for it",
                _publish_again(table.table, publication),
            )
        )
    return found


def _compare_key(table: TableSettings, contract: Contract) -> list[Finding]:
    if sorted(table.primary_key) == sorted(contract.key):
        return []
    needed = ", ".join(contract.key)
    drop = f"DROP CONSTRAINT {table.primary_key_name}, " if table.primary_key_name else ""
    return [
        Finding(
            table.table,
            f"its primary key is {', '.join(table.primary_key) or 'missing'}, and its contract's key is {needed}",
            f"ALTER TABLE {table.table} {drop}ADD PRIMARY KEY ({needed});",
        )
    ]


def _compare_columns(table: TableSettings, contract: Contract, publication: str) -> list[Finding]:
    found = []
    if absent := [name for name in contract.columns if name not in table.columns]:
        found.append(
            Finding(
                table.table,
                f"it has no column {', '.join(absent)}, which its contract names",
                contract.hints.change_contract,
                loses_changes=False,
            )
        )
    if table.published_columns is None:
        return found
    unpublished = [name for name in contract.columns if name in table.columns and name not in table.published_columns]
    if generated := [name for name in unpublished if name in table.generated_columns]:
        found.append(
            Finding(
                table.table,
                f"its contract names {', '.join(generated)}, which Postgres generates and does not publish",
                contract.hints.change_contract,
                loses_changes=False,
            )
        )
    if left_out := [name for name in unpublished if name not in table.generated_columns]:
        found.append(
            Finding(
                table.table,
                f"publication {publication} leaves out its column {', '.join(left_out)}",
                _publish_again(table.table, publication),
            )
        )
    return found


def _publish_again(table: str, publication: str) -> str:
    """Return SQL that publishes the whole table, in one transaction, so that no change falls in between."""
    return f"BEGIN; ALTER PUBLICATION {publication} DROP TABLE {table}; CALL public.capture('{table}'); COMMIT;"
