"""The full load and the simulator, as a person types them."""

import os
import subprocess
import sys
from pathlib import Path

from hr_files import company, employee
from lakehouse.settings import ROOT, Settings
from stack.loading import rows, with_history

PIPELINE, SIMULATOR = "scripts/ETL_Full_Load/pipeline.py", "simulate_new_strava_activities.py"


def run(database: Settings, output: Path, *command: str) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "DB_HOST": database.db_host,
        "DB_PORT": str(database.db_port),
        "DB_NAME": database.db_name,
        "DB_USER": database.db_user,
        "DB_PASSWORD": database.db_password.get_secret_value(),
        "OUTPUT_DIR": str(output),
    }
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_files_in_then_activities(database: Settings, tmp_path: Path) -> None:
    hr, sports = with_history(5)
    company(tmp_path, hr, sports)
    loaded = run(database, tmp_path / "out", PIPELINE, "--input", str(tmp_path), "--history-months", "1")
    assert (loaded.returncode, loaded.stderr) == (0, "")
    assert "rh_employees      5 rows: 5 new, 0 changed, 0 deleted" in loaded.stdout
    before = rows(database, "SELECT count(*) FROM strava_activities")[0][0]
    simulated = run(database, tmp_path / "out", SIMULATOR, "--count", "7", "--delay", "0:0", "--seed", "1")
    assert (simulated.returncode, simulated.stderr) == (0, "")
    assert len(simulated.stdout.splitlines()) == 7
    assert "Mendes" not in loaded.stdout + simulated.stdout
    assert rows(database, "SELECT count(*) FROM strava_activities") == [(before + 7,)]


def test_a_file_that_is_refused_ends_in_one_line_and_an_exit_code(database: Settings, tmp_path: Path) -> None:
    company(tmp_path, [employee(salaire="beaucoup")])
    refused = run(database, tmp_path / "out", PIPELINE, "--input", str(tmp_path))
    assert refused.returncode == 1
    assert refused.stderr == (
        "error: DonneesRH.xlsx, ligne 2, colonne « Salaire brut » : pas un nombre. "
        "Corrigez la cellule. Rien n'a été chargé.\n"
    )
    assert rows(database, "SELECT count(*) FROM rh_employees") == [(0,)]


def test_there_is_nobody_to_simulate_before_the_first_load(database: Settings, tmp_path: Path) -> None:
    simulated = run(database, tmp_path, SIMULATOR, "--count", "1")
    assert simulated.returncode == 1
    assert simulated.stderr.startswith("error: no employee practises a sport in Postgres.")


def test_waiting_for_postgres_is_said(database: Settings, tmp_path: Path) -> None:
    company(tmp_path, [employee()])
    away = database.model_copy(update={"db_port": 1})
    waited = run(away, tmp_path / "out", PIPELINE, "--input", str(tmp_path), "--wait", "1")
    assert waited.returncode == 1
    assert "waiting" in waited.stderr
    assert f"error: Postgres does not answer at {database.db_host}:1" in waited.stderr
