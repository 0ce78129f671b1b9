"""Law: what killed JVMs leave is in the checkout, does not grow for ever, and is no running job's."""

import os
from pathlib import Path

from lakehouse.local.__main__ import DATA_DIRS, LOCAL_HOME
from lakehouse.local.temp_dir import MAX_AGE_S, prepare_temp_dir
from lakehouse.settings import Settings

NOW = 1_790_000_000.0


def test_only_what_is_older_than_a_day_is_deleted_and_links_are_not_followed(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "tmp", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "theirs").touch()
    folder.mkdir()
    for name in ("old-folder", "young-folder"):
        (folder / name).mkdir()
    for name in ("old.so", "young.so"):
        (folder / name).touch()
    (folder / "old-link").symlink_to(elsewhere)
    for path in folder.iterdir():
        age = MAX_AGE_S + 1 if path.name.startswith("old") else MAX_AGE_S - 1
        os.utime(path, (NOW - age, NOW - age), follow_symlinks=False)
    prepare_temp_dir(folder, NOW)
    assert sorted(path.name for path in folder.iterdir()) == ["young-folder", "young.so"]
    assert (elsewhere / "theirs").exists()


def test_temporary_folder_is_in_the_checkout_and_reset_deletes_it() -> None:
    assert Settings(_env_file=None).jvm_temp_dir in [LOCAL_HOME / name for name in DATA_DIRS]  # type: ignore[call-arg]
