"""Foreign commits: versions in the lake's logs that no writer of ours has noted beforehand (law 9).

What a commit says of itself proves nothing: any other client can write the same. A token proves one commit of one
table. Its version is later than the one that the table had when the token was noted.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from lakehouse.cdc import commit_log
from lakehouse.cdc.commit_intents import (
    CheckedVersion,
    CheckResult,
    CommitLedger,
    ForeignCommit,
    NotedIntent,
    TableCheck,
)
from lakehouse.cdc.commit_log import Commit
from lakehouse.cdc.table_store import TableStore
from lakehouse.logs import logger
from lakehouse.spark.parallel import parallel_map

VACUUM_START, VACUUM_END = "VACUUM START", "VACUUM END"
GONE = "not readable in the log, so that nobody can say who wrote that."

log = logger("foreign_commits")


def find_foreign_commits(store: TableStore, tables: Iterable[tuple[str, str]]) -> list[ForeignCommit]:
    """Check the new versions of each existing table, as (layer, name), and return the lake's unresolved findings.

    Tables without a new version cost one read of their log. A store without a ledger has no findings.
    """
    if store.ledger is None:
        return []
    checked = store.ledger.checked_versions(store.lake_id())
    existing = [table for table in tables if store.exists(*table)]
    parallel_map(lambda table: _check_if_changed(store, *table, checked.get("/".join(table))), existing)
    return store.ledger.foreign_commits(store.lake_id())


def check_table(store: TableStore, layer: str, name: str) -> None:
    """Check the table's versions since the last check, and store what was found. Does nothing without a ledger."""
    if store.ledger is not None:
        _check(store, store.ledger, layer, name)


def all_foreign_commits(store: TableStore, tables: Iterable[tuple[str, str]]) -> list[ForeignCommit]:
    """Check the tables, and return every foreign commit that was ever found in the lake, resolved or not."""
    find_foreign_commits(store, tables)
    return store.ledger.foreign_commits(store.lake_id(), resolved=True) if store.ledger else []


def resolve_foreign_commits(store: TableStore, layer: str, name: str, resolution: str) -> None:
    """Resolve the table's foreign commits, where there are any."""
    if store.ledger is not None:
        store.ledger.resolve(store.lake_id(), f"{layer}/{name}", resolution)


def accept(store: TableStore, layer: str, name: str, why: str) -> None:
    """Accept the table's versions as they are, and resolve its foreign commits. Does nothing without a ledger."""
    if store.ledger is None:
        return
    table, lake_id = f"{layer}/{name}", store.lake_id()
    with store.ledger.check(lake_id, table) as check:
        result = _judge_new_versions(store, layer, name, check)
        check.record(replace(result, foreign=()))
    store.ledger.resolve(lake_id, table, why)
    log.warning("versions_accepted", table=table, up_to=result.checked.version, why=why)


def accept_restored(store: TableStore) -> None:
    """Accept the versions of Bronze and Gold, after the ledger was put back to an earlier time.

    Silver's later versions become foreign, so that the next refresh rebuilds it, and computes Gold from it again.
    """
    if store.ledger is None:
        return
    lake_id = store.lake_id()
    store.ledger.forget_intents(lake_id)
    for table in store.ledger.checked_versions(lake_id):
        layer, _, name = table.partition("/")
        if layer != "silver" and store.exists(layer, name):
            accept(store, layer, name, "the ledger was put back to an earlier time, and a resnapshot was made")


def judge(
    table: str,
    checked: CheckedVersion,
    after: int,
    commits: Sequence[Commit],
    intents: Mapping[str, NotedIntent],
) -> CheckResult:
    """Return the outcome for the commits after a version, oldest first, up to the version of `checked`.

    Versions that the log no longer has, or that cannot be parsed, are foreign: nobody can say whose they were.
    """
    spent, started = set[str](), {token for token, intent in intents.items() if intent.is_started}
    foreign = list[ForeignCommit]()
    finding = partial(_add_finding, foreign, table, checked.table_id)
    expected = after + 1
    for commit in commits:
        if commit.version > expected:
            finding(expected, commit.version - 1, GONE)
        if _is_noted(commit, intents, spent, started):
            (started if commit.operation == VACUUM_START else spent).add(commit.token or "")
        else:
            finding(commit.version, commit.version, _describe(commit))
        expected = commit.version + 1
    if expected <= checked.version:
        finding(expected, checked.version, GONE)
    return CheckResult(checked, spent, started - spent, foreign)


def _check_if_changed(store: TableStore, layer: str, name: str, last: CheckedVersion | None) -> None:
    table = store.delta_table(layer, name)
    if last != CheckedVersion(str(table.metadata().id), table.version()):
        check_table(store, layer, name)


def _check(store: TableStore, ledger: CommitLedger, layer: str, name: str) -> None:
    table, lake_id = f"{layer}/{name}", store.lake_id()
    with ledger.check(lake_id, table) as check:
        result, last = _judge_new_versions(store, layer, name, check), check.last
        if last is None and _is_older_than_notes(result) and not ledger.has_other_lake(lake_id):
            version = result.checked.version
            log.warning("versions_accepted", table=table, up_to=version, why="this lake is checked from now on")
            result = replace(result, foreign=())
        elif last is not None and not _is_same_table(last, result.checked):
            result = _judge_replacement(ledger, lake_id, table, last, result)
        for foreign in result.foreign:
            log.warning("foreign_commit_found", table=table, finding=str(foreign))
        check.record(result)


def _judge_new_versions(store: TableStore, layer: str, name: str, check: TableCheck) -> CheckResult:
    """Return the outcome for the versions since the last check; for all of them where the table is another one."""
    table, last = store.delta_table(layer, name), check.last
    checked = CheckedVersion(str(table.metadata().id), table.version())
    after = last.version if last and _is_same_table(last, checked) else -1
    commits = commit_log.commits_after(table, after)
    intents = check.intents([commit.token for commit in commits if commit.token])
    return judge(f"{layer}/{name}", checked, after, commits, intents)


def _is_same_table(last: CheckedVersion, checked: CheckedVersion) -> bool:
    return last.table_id == checked.table_id and last.version <= checked.version


def _is_older_than_notes(result: CheckResult) -> bool:
    """Return whether the table is older than the first note: its creation, version 0, was not noted."""
    return any(foreign.first_version == 0 for foreign in result.foreign)


def _judge_replacement(
    ledger: CommitLedger, lake_id: str, table: str, last: CheckedVersion, result: CheckResult
) -> CheckResult:
    """Return the outcome for a table that was removed and created again, or put back from an older copy.

    A foreign commit in Bronze is remedied by a table that our stream creates again. Its Silver is rebuilt then.
    Everywhere else the rows of the table that was checked are gone.
    """
    checked, (layer, _, name) = result.checked, table.partition("/")
    if layer == "bronze" and not result.foreign:
        if any(one.table == table for one in ledger.foreign_commits(lake_id)):
            ledger.resolve(lake_id, table, "the table was created again")
            silver = ForeignCommit(
                f"silver/{name}", checked.table_id, 0, 0, f"was merged from a {table} that was replaced since.", True
            )
            return replace(result, foreign=[silver])
        return result
    which = "is another table" if last.table_id != checked.table_id else "is an older copy"
    text = f"{which} than the one that was checked up to version {last.version}."
    replaced = ForeignCommit(table, checked.table_id, checked.version, checked.version, text, is_replacement=True)
    return replace(result, foreign=[replaced])


def _is_noted(
    commit: Commit, intents: Mapping[str, NotedIntent], spent: Collection[str], started: Collection[str]
) -> bool:
    """Return whether the commit's token was noted for the table, before this version, and is not spent."""
    token = commit.token or ""
    intent = intents.get(token)
    if intent is None or token in spent or intent.after_version >= commit.version:
        return False
    return (token in started) == (commit.operation == VACUUM_END)


def _add_finding(
    foreign: list[ForeignCommit], table: str, table_id: str, first: int, last: int, description: str
) -> None:
    """Append a finding, or extend the one before it where its versions and its description follow on."""
    previous = foreign[-1] if foreign else None
    if previous and (previous.last_version, previous.description) == (first - 1, description):
        foreign[-1] = ForeignCommit(table, table_id, previous.first_version, last, description)
    else:
        foreign.append(ForeignCommit(table, table_id, first, last, description))


def _describe(commit: Commit) -> str:
    copied = " Its token is spent or unknown." if commit.token else ""
    return f"{commit.operation} by {commit.engine}, which no program of ours has noted beforehand.{copied}"
