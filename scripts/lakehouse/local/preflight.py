"""Checks of this machine against the needs of local mode, before anything is downloaded.

Standard library only, in syntax that an old Python can parse: it is started with whatever `python3` is.
"""

from __future__ import annotations

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C during the imports: no traceback

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(CHECKOUT / "scripts"))  # started by its path, before the package is installed

from lakehouse import env_file, variables
from lakehouse.arguments import Number, Parser, refuse
from lakehouse.terminal import prepare_output

GIB = 1 << 30
NEED_GIB = Number(0, 1_000_000, "GiB")
MAX_PATH_BYTES = 600  # Postgres has 1,024 for a path, and the longest of ours below the checkout has 260
# What the parts cannot have in a path. Each was tried.
UNUSABLE_IN_PATHS = (
    ("a colon, which separates Java's jars", ":"),
    ("a comma, which separates Spark's folders", ","),
    ("[ ] ^ | or a backslash, which Delta's Rust library cannot open", r"[\[\]^|\\]"),
    ("% before two hexadecimal digits, which Delta's Rust library decodes", "%[0-9A-Fa-f]{2}"),
    ("a name that ends with !, which separates a jar from what is in it", "!/"),
    ("a line break, a tab or another control character", r"[\x00-\x1f\x7f-\x9f\u2028\u2029]"),
    ("an emoji or another character beyond U+FFFF, which Spark's launcher doubles", "[\U00010000-\U0010ffff]"),
    ("a byte that is not UTF-8", "\ufffd"),
)
LOCALHOST = "127.0.0.1"
REDPANDA_CONTAINER_ADDRESS = "redpanda:9092"  # the same as in lakehouse.settings
# Service, variable, default. The variables are those of lakehouse.settings, which cannot be imported yet.
PORTS = (
    ("Postgres", "DB_PORT", 5432),
    ("Kafka", "KAFKA_BOOTSTRAP_SERVERS", 19092),
    ("Kafka's controller", "KAFKA_CONTROLLER_PORT", 19093),
    ("Connect", "CONNECT_URL", 8083),
    ("Thrift server", "THRIFT_PORT", 10000),
)


@dataclass(frozen=True)
class Check:
    """One line of the report; `remedy` is what to do, printed where the check failed."""

    name: str
    found: str
    needed: str
    is_ok: bool
    remedy: str


def check_python(needed: str, found: tuple[int, int] = sys.version_info[:2]) -> Check:
    """Check the interpreter's version against the minimum, such as `3.10`."""
    minimum = tuple(int(part) for part in needed.split("."))
    return Check(
        "Python",
        ".".join(map(str, found)),
        f"{needed} or later",
        found >= minimum,
        f"install Python {needed} or later, and name it: make PYTHON=/path/to/python3 ...",
    )


def parse_version(text: str) -> str:
    """Return a version such as 3.10; raise ArgumentTypeError for another text."""
    if not re.fullmatch(r"[0-9]{1,3}\.[0-9]{1,3}", text):
        raise refuse(text, "a version like 3.10")
    return text


def check_venv() -> Check:
    """Check that this Python can create virtual environments; Debian packages that separately."""
    absent = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    remedy = "install it (Debian, Ubuntu: apt install python3-venv)"
    return Check("venv", f"no {' nor '.join(absent)}" if absent else "present", "venv and pip", not absent, remedy)


def check_memory(needed: float) -> Check:
    """Check that so many GiB of memory are free, where the system reports it."""
    free = free_memory()
    found = "unknown" if free is None else f"{free / GIB:.1f} GiB free"
    enough = free is None or free >= needed * GIB
    return Check("memory", found, f"{needed:g} GiB", enough, "close something, or use a larger machine")


def check_disk(folder: Path, needed: float) -> Check:
    """Check that so many GiB are free on the disk of the checkout."""
    free = shutil.disk_usage(str(folder)).free
    remedy = f"make room on the disk that holds {folder}"
    return Check("disk", f"{free / GIB:.1f} GiB free", f"{needed:g} GiB", free >= needed * GIB, remedy)


def check_hard_links(root: Path) -> Check:
    """Check that the lake's disk has hard links, so that no two processes commit the same version of a table."""
    folder = _lake_folder(root)
    try:
        with tempfile.NamedTemporaryFile(prefix=".links-", dir=str(folder)) as file:
            link = Path(f"{file.name}.link")
            os.link(file.name, str(link))
            link.unlink()
        found = "present"
    except OSError as error:
        found = f"none ({error.strerror})"
    remedy = f"set LAKE_URI to a folder on a disk with hard links: {folder} has none"
    return Check("hard links", found, "them, to commit to tables", found == "present", remedy)


def check_path(folder: Path) -> Check:
    """Check that Java, Delta and Postgres can work in a folder of this name, wherever it is."""
    name = os.fsencode(str(folder)).decode("utf-8", "replace")
    faults = [fault for fault, pattern in UNUSABLE_IN_PATHS if re.search(pattern, name + "/")]
    encoding = sys.getfilesystemencoding()
    if os.fsencode(str(folder)) != str(folder).encode("utf-8", "replace"):
        faults.append("letters that " + encoding + " has elsewhere than UTF-8 (set LC_ALL=C.UTF-8)")
    if len(os.fsencode(str(folder))) > MAX_PATH_BYTES:
        faults.append(f"{len(os.fsencode(str(folder)))} bytes")
    found = "; ".join(faults) or "usable"
    # Printed with what no terminal would show as it is, or would act upon.
    shown = ascii(name).strip("'\"")
    remedy = f"move or rename the folder {shown}; blanks, accents and quotes may stay"
    return Check("path", found, f"at most {MAX_PATH_BYTES} bytes of UTF-8, no : , [ ] ^ | \\", not faults, remedy)


def check_env_file(root: Path) -> Check:
    """Check that other users of the machine cannot read .env, which may hold passwords."""
    file = root / ".env"
    mode = file.stat().st_mode & 0o777 if file.exists() else 0
    found = f"mode {mode:03o}" if mode else "none"
    return Check(".env", found, "no permission for other users", not mode & 0o007, "chmod 600 .env")


def check_port(service: str, variable: str, number: int, is_own: bool) -> Check:
    """Return the check of one port: passed where it is free, or where `is_own` says that our own stack uses it."""
    busy = is_port_busy(number)
    found = "free" if not busy else "our own stack" if is_own else "busy"
    remedy = f"stop what listens on {LOCALHOST}:{number}, or set another for {service} in .env: {variable}"
    return Check(f"port {number}", found, f"free, for {service}", is_own or not busy, remedy)


def check_readers(root: Path) -> Check:
    """Check that other machines read with a login and encrypted, or not at all; say where nobody needs a password."""
    values = read_variables(root)
    file = root / values.get("THRIFT_USERS_FILE", ".local/run/thrift/users")
    has_user = file.is_file() and file.stat().st_size > 0
    address = values.get("THRIFT_BIND", LOCALHOST)
    is_open = not variables.is_loopback(address) and not (has_user and "THRIFT_CERTIFICATE" in values)
    found = "users" if has_user else "no users" if file.exists() or "LDAP_URL" in values else "admin, no password"
    remedy = (
        f"THRIFT_BIND={address} opens salaries to other machines: leave it out, or make a user and a certificate first "
        "(docs/access.md)"
    )
    return Check("readers", found, "users and TLS beyond 127.0.0.1", not is_open, remedy)


def is_port_busy(number: int) -> bool:
    """Return whether a port of this machine is in use: something listens on it, or it cannot be bound."""
    with socket.socket() as client:
        client.settimeout(1)
        if client.connect_ex((LOCALHOST, number)) == 0:
            return True
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((LOCALHOST, number))
        except OSError:
            return True
    return False


def free_memory() -> int | None:
    """Return the bytes available to new programs, also in a container; None where the system does not report it."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        match = re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text(encoding="ascii"))
        free = int(match.group(1)) * 1024 if match else None
        limits = [limit for limit in (free, _free_in_container()) if limit is not None]
        return min(limits) if limits else None
    if sys.platform == "darwin":
        pages = subprocess.run(["vm_stat"], stdout=subprocess.PIPE, text=True, check=True).stdout
        counts = re.findall(r"Pages (?:free|inactive|speculative|purgeable):\s+(\d+)", pages)
        return sum(map(int, counts)) * os.sysconf("SC_PAGE_SIZE")
    return None


def configured_ports(root: Path) -> list[tuple[str, str, int]]:
    """Return (service, variable, port), each port from the environment, else from .env, else the default."""
    values = read_variables(root)
    if values.get("KAFKA_BOOTSTRAP_SERVERS") == REDPANDA_CONTAINER_ADDRESS:  # as settings.py replaces it
        values["KAFKA_BOOTSTRAP_SERVERS"] = values.get("KAFKA_PORT", "")
    return [(service, variable, _parse_port(values.get(variable), default)) for service, variable, default in PORTS]


def read_variables(root: Path) -> dict[str, str]:
    """Return our variables from .env and the environment, as lakehouse.settings reads them.

    Raises EnvError for a file, a name or a value that cannot be used.
    """
    written = env_file.read_env_file(root / ".env")
    variables.check_names(written)
    merged = variables.merge([written, variables.from_environment(os.environ)])
    return {name: assignment.value for name, assignment in merged.items()}


def own_ports(root: Path) -> set[int]:
    """Return the ports of our own stack; an empty set where it does not run."""
    run = root / ".local" / "run"
    try:
        os.kill(int((run / "supervisord.pid").read_text(encoding="ascii")), 0)
    except (OSError, ValueError):
        return set()
    addresses = env_file.read_generated_file(run / "addresses.env")
    return {
        _parse_port(addresses[variable].value if variable in addresses else None, default)
        for _, variable, default in PORTS
    }


def host_checks(root: Path, need_python: str, need_memory: float | None, need_disk: float | None) -> list[Check]:
    """Return the checks to pass before anything is downloaded.

    A need of None means the default: 4 GiB, or 1 GiB once the stack runs or the downloads are there.
    """
    if need_memory is None:
        need_memory = 1 if own_ports(root) else 4
    if need_disk is None:
        need_disk = 1 if _is_downloaded(root) else 4
    return [
        check_path(root),
        check_python(need_python),
        check_venv(),
        check_memory(need_memory),
        check_disk(root, need_disk),
        check_hard_links(root),
        check_env_file(root),
    ]


def port_checks(root: Path) -> list[Check]:
    """Return the checks to pass before the services start: one per port, and one for each port that two would take."""
    own, ports = own_ports(root), configured_ports(root)
    checks = [check_port(service, variable, number, number in own) for service, variable, number in ports]
    for index, (service, variable, number) in enumerate(ports):
        for other, _, earlier in ports[:index]:
            if number == earlier:
                remedy = f"set another port for {service} in .env: {variable}"
                checks.append(
                    Check(f"port {number}", f"also {other}'s", f"one port for {service} alone", False, remedy)
                )
    return checks


def _lake_folder(root: Path) -> Path:
    """Return the lake's folder or its nearest existing parent; the checkout where the lake is no local folder."""
    lake = read_variables(root).get("LAKE_URI", "data/delta")
    folder = root if "://" in lake else root / lake
    return next(candidate for candidate in (folder, *folder.parents) if candidate.is_dir())


def _parse_port(address: str | None, default: int) -> int:
    """Return the port of an address on this machine, else the default.

    Addresses are such as `19092`, `localhost:19092` or `http://localhost:8083/`. Of several, the first one counts.
    """
    first = (address or "").split(",", 1)[0]
    match = re.match(r"^(?:(?:\w+://)?(?:[^@/]*@)?(?:localhost|127\.0\.0\.1|\[::1\]):)?([0-9]+)(?:/.*)?$", first)
    return int(match.group(1)) if match else default


def _free_in_container() -> int | None:
    cgroup = Path("/sys/fs/cgroup")
    try:
        limit = int((cgroup / "memory.max").read_text(encoding="ascii"))
        used = int((cgroup / "memory.current").read_text(encoding="ascii"))
        cache = re.search(r"^inactive_file (\d+)$", (cgroup / "memory.stat").read_text(encoding="ascii"), re.MULTILINE)
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return None
    return limit - used + (int(cache.group(1)) if cache else 0)


def _is_downloaded(root: Path) -> bool:
    return (root / ".venv").is_dir() and (root / ".local" / "jars" / "connect").is_dir()


def main() -> int:
    """Print a line per check; return 1 where one failed, 2 where .env cannot be used."""
    parser = Parser(
        description=__doc__.split("\n", 1)[0],
        epilog="example: python3 scripts/lakehouse/local/preflight.py --need-memory 8",
    )
    parser.add_argument(
        "--need-python",
        type=parse_version,
        default="3.10",
        metavar="X.Y",
        help="minimum version (default: %(default)s)",
    )
    parser.add_argument(
        "--need-memory", type=NEED_GIB, metavar="GIB", help="free memory (default: 4, 1 while our own stack is up)"
    )
    parser.add_argument(
        "--need-disk", type=NEED_GIB, metavar="GIB", help="free disk (default: 4, 1 once all is downloaded)"
    )
    parser.add_argument("--no-ports", action="store_true", help="leave the ports out: the tests use free ones")
    options = parser.parse_args()
    try:
        checks = host_checks(CHECKOUT, options.need_python, options.need_memory, options.need_disk)
        checks += [] if options.no_ports else [check_readers(CHECKOUT), *port_checks(CHECKOUT)]
    except env_file.EnvError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for check in checks:
        mark = "ok" if check.is_ok else "NO"
        print(f"{mark}  {check.name:<11} found {check.found:<16} needs {check.needed}")
    failed = [check for check in checks if not check.is_ok]
    for check in failed:
        print(
            f"error: {check.name}: found {check.found}, needs {check.needed}. To do: {check.remedy}.", file=sys.stderr
        )
    return 1 if failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    prepare_output()
    sys.exit(main())
