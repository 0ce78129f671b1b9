"""The fictive company is loaded where HR has put no table yet, and the system never went live; nowhere else."""

import subprocess
from pathlib import Path

import pytest

from lakehouse.hr.input_folder import choose_folder, is_without_tables
from lakehouse.local.demo import load_command
from lakehouse.settings import ROOT, SAMPLE_DIR, Settings


@pytest.mark.parametrize(
    "names",
    [[], [".gitkeep"], [".DS_Store", "desktop.ini"], ["~$DonneesRH.xlsx"], [".~lock.RH.xlsx#"], ["Lisez-moi.txt"]],
)
def test_folder_without_tables_is_replaced_by_the_sample_before_going_live(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert choose_folder(tmp_path, tmp_path, lambda: False) == SAMPLE_DIR
    assert choose_folder(tmp_path, tmp_path, lambda: True) == tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "DonneesRH.xlsx",
        "DonneesSportive.xlsx",
        "sport.csv",
        "Donne\u0301es RH.XLSX",
        "RH.xls",
        "RH.ods",
        "RH.numbers",
        "RH.zip",
        "Fichiers RH",
        "Effectifs 2026.xlsx",
        "personnel.csv",
        "SPORTS.PDF",
    ],
)
def test_whatever_may_be_a_file_of_hr_keeps_the_sample_out(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert choose_folder(tmp_path, tmp_path, lambda: False) == tmp_path


def test_folder_of_the_command_line_is_never_replaced(tmp_path: Path) -> None:
    assert choose_folder(tmp_path, tmp_path / "input", lambda: False) == tmp_path


def test_default_folder_is_recognised_in_another_spelling(tmp_path: Path) -> None:
    assert choose_folder(tmp_path / ".." / tmp_path.name, tmp_path, lambda: False) == SAMPLE_DIR


def test_missing_folder_is_not_replaced(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    assert choose_folder(missing, missing, lambda: False) == missing


def test_postgres_is_not_queried_where_there_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "RH.xlsx").touch()
    assert choose_folder(tmp_path, tmp_path, lambda: pytest.fail("is not needed")) == tmp_path


def test_second_demo_loads_the_files_of_hr_and_not_the_sample_again(tmp_path: Path) -> None:
    assert "--if-not-live" in load_command(tmp_path)
    (tmp_path / "DonneesRH.xlsx").touch()
    assert "--if-not-live" not in load_command(tmp_path)


@pytest.mark.parametrize("name", ["RH.xlsx", "sport.csv", "Données RH.xlsx", "sous-dossier/RH.csv"])
def test_git_ignores_files_of_hr(name: str) -> None:
    def is_ignored(path: Path) -> bool:
        return subprocess.run(["git", "check-ignore", "-q", str(path)], cwd=ROOT, check=False).returncode == 0

    assert is_ignored(Path("data/input") / name)
    assert not is_ignored(Path("data/input/.gitkeep"))
    assert not is_ignored(SAMPLE_DIR / "x.xlsx")


def test_input_folder_of_a_checkout_is_there_and_the_sample_is_not_in_it() -> None:
    tracked = subprocess.run(["git", "ls-files", "data/input"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert tracked.stdout.split() == ["data/input/.gitkeep"]
    assert Settings.model_fields["input_dir"].default == Path("data/input")
    assert not is_without_tables(SAMPLE_DIR)
