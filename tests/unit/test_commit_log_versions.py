"""The log of a table that was opened before somebody's commit: each commit has its own version."""

from pathlib import Path

import pytest

from lakehouse.cdc import commit_log
from lakehouse.cdc.table_store import TableStore

TABLE = ("silver", "quarantine")


@pytest.mark.parametrize("later_commits", [0, 1, 2, 5])
def test_commits_of_an_open_table_have_their_versions_after_later_commits(tmp_path: Path, later_commits: int) -> None:
    """Otherwise a commit's token is spent for the version before it, and the commit itself is a stranger's."""
    store = TableStore(str(tmp_path))
    store.create_quarantine()
    for days in range(1, 5):
        _commit(store, days)
    opened = store.delta_table(*TABLE)
    expected = commit_log.commits_after(opened, 1)
    assert [commit.version for commit in expected] == [2, 3, 4]
    assert len({commit.token for commit in expected}) == 3
    for days in range(5, 5 + later_commits):
        _commit(store, days)
    assert commit_log.commits_after(opened, 1) == expected
    assert commit_log.commits_after(opened, 3) == expected[-1:]
    assert [commit.version for commit in commit_log.commits_after(store.delta_table(*TABLE), 3)] == [
        *range(4, 5 + later_commits)
    ]


def _commit(store: TableStore, days: int) -> None:
    store.set_properties(*TABLE, {"delta.logRetentionDuration": f"interval {days} days"})
