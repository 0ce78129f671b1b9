"""Commands that HR runs speak French in their help, their usage errors and their failures."""

import subprocess
import sys

import pytest

from lakehouse.arguments import DAY_OF_DATA, WAIT_S, PathName, WholeNumber
from lakehouse.errors import BadInput, NotReady, UsageError
from lakehouse.french_cli import FrenchParser, describe_error, to_french
from lakehouse.local.service import job_command
from lakehouse.settings import ROOT

HR_COMMANDS = [
    (sys.executable, str(ROOT / "scripts" / "ETL_Full_Load" / "pipeline.py")),
    job_command("explain_employee.py"),
]
# Words of argparse's own and of our English commands.
ENGLISH = ("show this", "default", "example", "error", "required", "invalid", "argument ", "employee's", " the ")


def run_command(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", HR_COMMANDS)
def test_help_is_french(command: tuple[str, ...]) -> None:
    completed = run_command(*command, "--help")
    assert completed.returncode == 0
    assert "afficher cette aide" in completed.stdout
    assert not [word for word in ENGLISH if word in completed.stdout]


@pytest.mark.parametrize("command", HR_COMMANDS)
@pytest.mark.parametrize("arguments", [["--nonsense"], ["--employee"], ["--effective-from", "x"], ["--wait", "x"]])
def test_usage_error_is_french(command: tuple[str, ...], arguments: list[str]) -> None:
    completed = run_command(*command, *arguments)
    assert completed.returncode == 2
    assert " : erreur : " in completed.stderr
    assert not [word for word in ENGLISH if word in completed.stderr]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "il manque --count"),
        (["--count", "1", "x"], "arguments inconnus : x"),
        (["--count", "many"], "--count : 'many' n'est pas un nombre entier de 1 à 9"),
        (["--count", "nan"], "--count : 'nan' n'est pas un nombre entier de 1 à 9"),
        (["--count"], "--count : il manque un nombre entier de 1 à 9"),
        (["--count", "1", "--wait", "inf"], "--wait : 'inf' n'est pas un nombre de secondes de 0 à 604800"),
        (
            ["--count", "1", "--day", "2026-02-30"],
            "--day : '2026-02-30' n'est pas une date de 1900-01-01 à 9999-12-31, comme 2026-06-30",
        ),
        (["--count", "1", "--input", ""], "--input : '' n'est pas un chemin"),
        (["--count", "1", "--color"], "--color : il manque une valeur"),
        (["--co", "1"], "--co est ambigu : --count, --color"),
    ],
)
def test_messages_of_argparse_are_translated(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    parser = FrenchParser(description="Compter.", epilog="exemple : compter")
    parser.add_argument("--count", type=WholeNumber(1, 9), required=True)
    parser.add_argument("--wait", type=WAIT_S)
    parser.add_argument("--day", type=DAY_OF_DATA)
    parser.add_argument("--input", type=PathName())
    parser.add_argument("--color")
    with pytest.raises(SystemExit) as exited:
        parser.parse_args(arguments)
    assert exited.value.code == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith(f" : erreur : {message}")
    assert second.startswith("Toutes les options : ")


def test_a_message_of_ours_stays_as_it_is() -> None:
    assert to_french("rien n'est connu d'un jour à venir") == "rien n'est connu d'un jour à venir"


def test_technical_error_is_quoted_for_those_who_can_mend_it() -> None:
    assert describe_error(BadInput("RH.xlsx : illisible.")) == "erreur : RH.xlsx : illisible."
    first, second = describe_error(UsageError("DB_PORT is not a port.\nWrite DB_PORT=5432")).splitlines()
    assert first.startswith("erreur : un réglage est faux. Transmettez ce message")
    assert first.endswith("« DB_PORT is not a port.")
    assert second == "Write DB_PORT=5432 »"
    described = describe_error(NotReady("Kafka does not answer."))
    assert described.startswith("erreur : le système n'est pas prêt.")
    assert described.endswith("« Kafka does not answer. »")
