"""The fictive company's files are loaded in place before the system goes live, and never into a live one."""

from pathlib import Path
from shutil import copy

import pytest

from lakehouse.errors import BadInput
from lakehouse.hr.full_load import full_load
from lakehouse.hr.load_options import LoadOptions
from lakehouse.settings import SAMPLE_DIR, Settings
from lakehouse.simulator.sample_company import HR_FILE, SPORTS_FILE
from stack.hr_load import LOAD_DAY, execute, fetch_all_tables, fetch_rows


def load_default_folder(database: Settings, folder: Path) -> list[str]:
    """Load the folder as data/input is loaded where the command line names none."""
    settings = database.model_copy(update={"input_dir": folder, "output_dir": folder.with_name("output")})
    return list(full_load(settings, LoadOptions(folder=folder, wait=0.0), today=LOAD_DAY))


def test_sample_is_loaded_until_the_system_is_live_and_not_after(database: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "input"
    folder.mkdir()
    lines = load_default_folder(database, folder)
    assert lines[0].startswith(
        f"{folder} : ni fichier RH ni fichier des sports, et le système n'a jamais été en service"
    )
    assert str(SAMPLE_DIR) in lines[0]
    assert fetch_rows(database, "SELECT count(*) FROM rh_employees") == [(168,)]
    assert [*folder.iterdir()] == []

    live = fetch_all_tables(database)
    with pytest.raises(BadInput, match=r"fichier RH \(\*RH\*\) introuvable"):
        load_default_folder(database, folder)
    assert fetch_all_tables(database) == live

    execute(database, "DELETE FROM ops.go_live")
    assert load_default_folder(database, folder)[0].startswith(f"{folder} : ni fichier RH")
    assert fetch_all_tables(database) == live


@pytest.mark.parametrize(("name", "missing"), [(HR_FILE, "des sports"), (SPORTS_FILE, "RH")])
def test_one_file_without_the_other_is_an_error_before_going_live_too(
    database: Settings, tmp_path: Path, name: str, missing: str
) -> None:
    copy(SAMPLE_DIR / name, tmp_path)
    with pytest.raises(BadInput, match=rf"fichier {missing} .*introuvable"):
        load_default_folder(database, tmp_path)
    assert fetch_rows(database, "SELECT count(*) FROM rh_employees") == [(0,)]


def test_empty_folder_of_the_command_line_is_an_error(database: Settings, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="introuvable"):
        list(full_load(database, LoadOptions(folder=tmp_path, wait=0.0), today=LOAD_DAY))
