"""What `reset` may delete: what this project wrote into this checkout's lake. All else is named and left."""

import os
import pwd
import re
from dataclasses import dataclass, field
from pathlib import Path

from lakehouse.cdc.lake_format import FORMAT_FILE
from lakehouse.cdc.lake_identity import IDENTITY_FILE, read_owner
from lakehouse.cdc.lake_mark import MARK_FILE
from lakehouse.errors import UsageError

LAYERS = ("bronze", "silver", "gold")
GIT_PLACEHOLDER = ".gitkeep"
LAKE_FILE = re.compile(rf"({IDENTITY_FILE}|{FORMAT_FILE}|{MARK_FILE})(\.[0-9a-f]{{32}})?")
# The first level of a table's folder: its log and other folders of Delta's, checksums, data files, partitions.
TABLE_ENTRY = re.compile(r"[_.].*|[^=/]+=.*|.+\.(parquet|bin)")


@dataclass
class ResetPlan:
    """The paths to delete, and those to leave."""

    delete: list[Path] = field(default_factory=list)
    leave: list[Path] = field(default_factory=list)


def find_lake_folder(lake_uri: str, checkout: Path) -> Path | None:
    """Return the lake's folder after checking that it may be reset, None where the lake is no local folder.

    Raises UsageError for a folder that holds more than a lake, or a path with `..` or a link.
    """
    if "://" in lake_uri:
        return None
    folder = Path(re.sub("^/+", "/", os.path.normpath(checkout / lake_uri)))
    if ".." in Path(lake_uri).parts:
        raise _refuse(lake_uri, "has `..` in it")
    if folder.resolve() != folder:
        raise _refuse(lake_uri, f"is or crosses a link, and leads to {folder.resolve()}")
    if folder.exists() and not folder.is_dir():
        raise _refuse(lake_uri, "is no folder")
    if folder == checkout or folder in checkout.parents:
        raise _refuse(lake_uri, "is the checkout or a folder around it")
    homes = _home_folders()
    if folder in homes or any(folder in home.parents for home in homes):
        raise _refuse(lake_uri, "is a home folder or a folder around one")
    return folder


def plan_lake(folder: Path, *, owner: str, is_default: bool) -> ResetPlan:
    """Return what to delete and what to leave in a lake's folder; nothing is deleted yet.

    A lake is this checkout's where its identity file names `owner`, or at the default place no other one. There a table
    half made goes too.
    """
    plan = ResetPlan()
    content = [path for path in _entries(folder) if path.name != GIT_PLACEHOLDER]
    named = read_owner(folder)
    if named != owner and not (is_default and named is None):
        plan.leave += content
        return plan
    for path in content:
        if path.is_symlink():
            plan.leave.append(path)
        elif path.is_dir() and path.name in LAYERS:
            _plan_layer(path, plan, is_default)
        elif path.is_file() and LAKE_FILE.fullmatch(path.name):
            plan.delete.append(path)
        else:
            plan.leave.append(path)
    if plan.leave:  # the rest stays recognisable as this checkout's
        plan.delete = [path for path in plan.delete if path.name != IDENTITY_FILE]
    return plan


def _plan_layer(layer: Path, plan: ResetPlan, is_default: bool) -> None:
    left = [path for path in _entries(layer) if not _is_table(path, is_default)]
    if left:
        plan.leave += left
        plan.delete += [path for path in _entries(layer) if path not in left]
    else:
        plan.delete.append(layer)


def _is_table(path: Path, is_default: bool) -> bool:
    """Return whether the path is a table's folder without anything else in it."""
    if path.is_symlink() or not path.is_dir():
        return False
    entries = _entries(path)
    if any(entry.is_symlink() or not TABLE_ENTRY.fullmatch(entry.name) for entry in entries):
        return False
    return is_default or any(entry.name == "_delta_log" for entry in entries)


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _home_folders() -> set[Path]:
    homes = {Path.home().resolve(), *(Path(user.pw_dir) for user in pwd.getpwall())}
    return {home for home in homes if home != Path("/")} | {Path.home()}


def _refuse(lake_uri: str, problem: str) -> UsageError:
    return UsageError(
        f"LAKE_URI={lake_uri} {problem}. Nothing was stopped or deleted.\n"
        "Set LAKE_URI in .env to a folder of the lake's own, by its full path without links, or to data/delta."
    )
