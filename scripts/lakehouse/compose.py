"""docker-compose's running services, seen from this machine: a command goes on inside, where the passwords are."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import which

from lakehouse.env_file import EnvError, read_env_file
from lakehouse.environment import ENVIRONMENT_ONLY_VAR

NOTICES = {  # of the programs in a folder; HR runs those of the second
    "scripts/Jobs_Spark": "docker-compose runs: this goes on inside of pipeline, with its folders.",
    "scripts/ETL_Full_Load": "docker-compose tourne : la suite se passe dans pipeline, avec ses dossiers.",
}
RUN_IN_PIPELINE = ("run", "--rm", "pipeline", "python")


def running_compose(checkout: Path) -> tuple[str, ...]:
    """Return the compose command whose services run in the checkout, empty where none do."""
    if (checkout / "docker-compose.yml").exists():
        for command in (("docker", "compose"), ("docker-compose",)):
            if which(command[0]) and _output([*command, "ps", "-q"], checkout).strip():
                return command
    return ()


def run_inside(checkout: Path, program: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> int | None:
    """Run a program of ours inside of compose's pipeline, where its Postgres is, and return its exit code.

    Returns None where it is to run here: for its help, while the services of `make up` run, where compose does not, and
    where DB_HOST names another Postgres.
    """
    local_addresses = checkout / ".local" / "run" / "addresses.env"
    name = _name_in(checkout, program)
    if (
        name is None
        or ENVIRONMENT_ONLY_VAR in environment
        or local_addresses.exists()
        or {"-h", "--help"} & {*arguments}
    ):
        return None
    if "DB_HOST" in environment or _names_host(checkout / ".env") or not (compose := running_compose(checkout)):
        return None
    print(NOTICES[str(Path(name).parent)], file=sys.stderr)
    return subprocess.call([*compose, *RUN_IN_PIPELINE, name, *arguments], cwd=checkout)


def _name_in(checkout: Path, program: Path) -> str | None:
    program = program.resolve()
    folders = [checkout / folder for folder in NOTICES]
    return str(program.relative_to(checkout)) if program.parent in folders else None


def _names_host(env_file: Path) -> bool:
    try:
        return "DB_HOST" in read_env_file(env_file)
    except EnvError:
        return False  # the program itself says so


def _output(command: Sequence[str], folder: Path) -> str:
    completed = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,  # it is for the program
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
        text=True,
    )
    return completed.stdout if completed.returncode == 0 else ""
