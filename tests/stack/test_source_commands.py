"""The commands of the full load and the simulator: their output, errors and exit codes."""

from pathlib import Path

from lakehouse.settings import Settings
from stack.hr_load import fetch_rows, run_script, staff_who_run
from support.hr_files import employee, write_company_files

PIPELINE, SIMULATOR = "scripts/ETL_Full_Load/pipeline.py", "simulate_new_strava_activities.py"


def test_load_and_simulator_commands_insert_rows_and_exit_0(database: Settings, tmp_path: Path) -> None:
    hr, sports = staff_who_run(5)
    write_company_files(tmp_path, hr, sports)
    loaded = run_script(database, tmp_path / "out", PIPELINE, "--input", str(tmp_path), "--history-months", "1")
    assert (loaded.returncode, loaded.stderr) == (0, "")
    assert "rh_employees      5 lignes (nouvelles : 5, modifiées : 0, supprimées : 0)" in loaded.stdout
    before = fetch_rows(database, "SELECT count(*) FROM strava_activities")[0][0]
    simulated = run_script(database, tmp_path / "out", SIMULATOR, "--count", "7", "--delay", "0:0", "--seed", "1")
    assert (simulated.returncode, simulated.stderr) == (0, "")
    assert len(simulated.stdout.splitlines()) == 7
    assert "Mendes" not in loaded.stdout + simulated.stdout
    assert fetch_rows(database, "SELECT count(*) FROM strava_activities") == [(before + 7,)]


def test_refused_hr_file_is_a_one_line_error_and_exit_code_1(database: Settings, tmp_path: Path) -> None:
    write_company_files(tmp_path, [employee(salaire="beaucoup")])
    refused = run_script(database, tmp_path / "out", PIPELINE, "--input", str(tmp_path))
    assert refused.returncode == 1
    assert refused.stderr == (
        "erreur : DonneesRH.xlsx, ligne 2, colonne « Salaire brut » : pas un nombre. "
        "Corrigez la cellule. Rien n'a été chargé.\n"
    )
    assert fetch_rows(database, "SELECT count(*) FROM rh_employees") == [(0,)]


def test_simulator_before_the_first_load_is_an_error(database: Settings, tmp_path: Path) -> None:
    simulated = run_script(database, tmp_path, SIMULATOR, "--count", "1")
    assert simulated.returncode == 1
    assert simulated.stderr.startswith("error: no employee practises a sport in Postgres.")


def test_waiting_for_postgres_is_logged(database: Settings, tmp_path: Path) -> None:
    write_company_files(tmp_path, [employee()])
    unreachable = database.model_copy(update={"db_port": 1})
    failed = run_script(unreachable, tmp_path / "out", PIPELINE, "--input", str(tmp_path), "--wait", "1")
    assert failed.returncode == 1
    assert "retrying" in failed.stderr
    assert "erreur : le système n'est pas prêt." in failed.stderr
    assert f"« Postgres does not answer at {database.db_host}:1" in failed.stderr
