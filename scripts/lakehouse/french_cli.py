"""Commands that HR runs: their help and their errors are French."""

import re
from collections.abc import Callable
from typing import NoReturn

from lakehouse import errors
from lakehouse.arguments import USAGE_ERROR, Parser
from lakehouse.errors import BadInput, LakehouseError, UsageError

# argparse's own messages, as Python 3.10 and later word them.
ARGPARSE_MESSAGES = (
    (r"the following arguments are required: (.+)", r"il manque \1"),
    (r"unrecognized arguments: (.+)", r"arguments inconnus : \1"),
    (r"ambiguous option: (\S+) could match (.+)", r"\1 est ambigu : \2"),
    (r"argument (\S+): expected one argument", r"\1 : il manque une valeur"),
    (r"argument (\S+): expected one argument, (.+)", r"\1 : il manque \2"),
    (r"argument (\S+): (.+) is not (.+)", r"\1 : \2 n'est pas \3"),
    (r"argument (\S+): invalid choice: (.+) \(choose from (.+)\)", r"\1 : \2 n'est pas l'un de \3"),
)
# The ranges of lakehouse.arguments.
RANGES = (
    (r"a whole number from (\S+) to (\S+)$", r"un nombre entier de \1 à \2"),
    (r"a number of seconds from (\S+) to (\S+)$", r"un nombre de secondes de \1 à \2"),
    (r"a number from (\S+) to (\S+)$", r"un nombre de \1 à \2"),
    (r"a day from (\S+) to (\S+), like (\S+)$", r"une date de \1 à \2, comme \3"),
    (r"a path$", "un chemin"),
)


class FrenchParser(Parser):
    """A parser whose help and errors are French."""

    def __init__(self, *, description: str | None, epilog: str) -> None:
        super().__init__(description=description, epilog=epilog, add_help=False)
        self.add_argument("-h", "--help", action="help", help="afficher cette aide")

    def error(self, message: str) -> NoReturn:
        text = to_french(self.one_line(message))
        self.exit(USAGE_ERROR, f"{self.prog} : erreur : {text}\nToutes les options : {self.prog} --help\n")


def to_french(message: str) -> str:
    """Return a message of argparse's in French; unchanged where it is none."""
    for expected, french in RANGES:
        message = re.sub(expected, french, message)
    for pattern, french in ARGPARSE_MESSAGES:
        if match := re.fullmatch(pattern, message, re.DOTALL):
            return match.expand(french)
    return message


def describe_error(error: LakehouseError) -> str:
    """Return the French line for an error; one that HR cannot mend quotes its message for those who can."""
    if isinstance(error, UsageError):  # of a variable: an option's error is the parser's
        return f"erreur : un réglage est faux. Transmettez ce message à l'équipe technique : « {error} »"
    if isinstance(error, BadInput):
        return f"erreur : {error}"
    return f"erreur : le système n'est pas prêt. Transmettez ce message à l'équipe technique : « {error} »"


def run(main: Callable[[], int | None]) -> NoReturn:
    """Call an entry point and exit the process with its exit code, an error described in French."""
    errors.run(main, describe_error)
