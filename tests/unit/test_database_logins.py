"""Law: DB_USER is the administrator of initdb alone, and each program of ours has a login of its own."""

import ast
from pathlib import Path

import pytest

from lakehouse.errors import UsageError
from lakehouse.passwords import read_password
from lakehouse.settings import ROOT, Settings
from lakehouse.source import roles
from lakehouse.source.ddl import apply_ddl, create_logins

LOGINS = {"loader_settings", "controller_settings", "as_worker", "as_distance_worker", "as_notifier"}
INITDB = "create_logins.py"  # the administrator's
LOAD = ROOT / "scripts" / "ETL_Full_Load" / "pipeline.py"  # it runs initdb first
# Programs that connect to Postgres say so by what they import.
CONNECTING = ("lakehouse.source", "lakehouse.slack.notifier", "lakehouse.distance", "lakehouse.capture")


def _programs() -> list[Path]:
    scripts = [*(ROOT / "scripts" / "Jobs_Spark").glob("*.py"), ROOT / "scripts/lakehouse/simulator/cli.py"]
    return [
        path
        for path in scripts
        if path.name != INITDB and any(f"from {name}" in path.read_text("utf-8") for name in CONNECTING)
    ]


def _called_names(path: Path) -> set[str]:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    return {function.id for function in calls if isinstance(function, ast.Name)}


def test_programs_that_connect_were_found() -> None:
    assert {"maintain.py", "cli.py", "distance_worker.py", "register_connector.py"} <= {one.name for one in _programs()}


@pytest.mark.parametrize("path", _programs(), ids=lambda path: path.name)
def test_program_chooses_one_login_that_is_not_the_administrators(path: Path) -> None:
    called = _called_names(path)
    assert len(called & LOGINS) == 1
    assert "Settings" not in called or called & LOGINS != {"loader_settings"}


def test_load_uses_the_loaders_login_after_initdb() -> None:
    assert "as_loader" in _called_names(LOAD)


@pytest.mark.parametrize("role", roles.ROLE_NAMES)
def test_administrator_with_the_name_of_another_login_is_refused(role: str) -> None:
    settings = Settings(_env_file=None, db_user=role)  # type: ignore[call-arg]
    for step in (create_logins, apply_ddl) if role != roles.LOADER_ROLE else (create_logins,):
        with pytest.raises(UsageError, match=f"DB_USER={role}"):
            step(settings)


def test_each_login_has_a_password_setting_of_its_own() -> None:
    names = [name for name in Settings.model_fields if name.startswith("db_") and name.endswith("_password")]
    assert sorted([*roles.PASSWORD_NAMES.values(), "db_password"]) == sorted(names)
    settings = Settings(_env_file=None, **{name: name for name in names})  # type: ignore[call-arg, arg-type]
    for login in (roles.as_loader, roles.as_worker, roles.as_distance_worker, roles.as_notifier):
        own = login(settings)
        assert read_password(own, "db_password") == roles.PASSWORD_NAMES[own.db_user]
        assert own.db_user != settings.db_user
