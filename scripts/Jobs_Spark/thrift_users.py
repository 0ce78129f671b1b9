"""List, create, change and remove the users of the Thrift server. The password comes by a prompt or standard input."""

import sys

from lakehouse.arguments import Line, Parser
from lakehouse.errors import UsageError, run
from lakehouse.serving.password_input import read_password
from lakehouse.serving.user_file import ROLES, read_users, remove_user, save_user
from lakehouse.settings import Settings

USERS_EXAMPLE = "example: python scripts/Jobs_Spark/thrift_users.py --name marie --role rh"
CLOSED = "admin without a password is refused, and so is each session that it has open."


def main() -> None:
    """Change the file of the users, or print their names and roles."""
    parser = Parser(description=__doc__, epilog=USERS_EXAMPLE)
    parser.add_argument("--name", type=Line(64), metavar="NAME", help="the user; without it, all are listed")
    parser.add_argument("--role", choices=ROLES, help="needed for a new user; of another, it is changed")
    parser.add_argument("--remove", action="store_true", help="remove the user, and end the sessions of that name")
    options = parser.parse_args()
    path = Settings().thrift_users_file
    if options.name is None:
        if options.role or options.remove:
            raise UsageError(f"--role and --remove are of one user.\n{USERS_EXAMPLE}")
        users = read_users(path).values()
        print("\n".join(f"{user.name}  {user.role}" for user in users) or "no user: admin needs no password")
    elif options.remove:
        left = remove_user(path, options.name)
        print(f"{options.name} is removed, and each of that user's sessions ends. {left} left.")
        if not left:
            print(f"Nobody of this list can log in, nor admin. To let admin in without a password, delete {path}")
    else:
        is_new = save_user(path, options.name, options.role, read_password(sys.stdin))
        print(f"{options.name} is {'created' if is_new else 'changed'}, from the next login on. {CLOSED}")


if __name__ == "__main__":
    run(main)
