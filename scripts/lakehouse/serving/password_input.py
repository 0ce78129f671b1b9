"""A new password, from a prompt or from standard input; never an argument, which every user of the machine can read."""

from collections.abc import Callable
from getpass import getpass
from typing import TextIO

from lakehouse.errors import BadInput


def read_password(source: TextIO, prompt: Callable[[str], str] = getpass) -> str:
    """Return what was typed twice without an echo, or the first line of a file or pipe; empty where there is none."""
    if source.isatty():
        password = prompt("Password (empty: leave it as it is): ")
        if password and prompt("The same again: ") != password:
            raise BadInput("The two passwords differ. Nothing was changed.")
        return password
    try:
        return source.buffer.readline().decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise BadInput("The password of standard input is not in UTF-8. Nothing was changed.") from None
