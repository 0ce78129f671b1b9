"""Install the locked packages into .venv, by the pinned uv or else by pip: `python install_packages.py`.

Both compare each file with its locked hash. Measured on two busy cores, downloads included: 59 s by uv, 420 s by pip.
Standard library only: the packages are not there yet.
"""

from __future__ import annotations

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C: no traceback

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(CHECKOUT / "scripts"))  # started by its path, before the package is installed

from lakehouse.local.pip_settings import read_pip_config, to_uv
from lakehouse.local.step_times import PYTHON_ENVIRONMENT, timed_step

PACKAGES_LOCK, UV_LOCK = "requirements-local.txt", "requirements-uv.txt"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
PIP_INSTALL = (*PIP, "install", "--quiet", "--no-user", "--require-hashes")
VERSION_TIMEOUT_S = 20
INSTALLERS = ("uv", "pip")
INSTALL_USAGE = f"usage: python install_packages.py [{'|'.join(INSTALLERS)}]\nexample: make install INSTALLER=pip"


def find_uv(checkout: Path) -> str | None:
    """Return a uv of the locked version, ours or that of PATH; another version may install otherwise."""
    locked = locked_version(checkout)
    ours = str(uv_folder(checkout) / "bin" / "uv")
    return next((uv for uv in (ours, shutil.which("uv")) if uv and uv_version(uv) == locked), None)


def fetch_uv(checkout: Path) -> str | None:
    """Install the locked uv into .local/uv by pip, with its hash, and return it; None, and why, where pip cannot."""
    folder = uv_folder(checkout)
    shutil.rmtree(str(folder), ignore_errors=True)
    lock = str(checkout / UV_LOCK)
    command = (*PIP_INSTALL, "--only-binary", ":all:", "--target", str(folder), "-r", lock)
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    _exit_if_interrupted(result.returncode)
    if result.returncode or not (uv := find_uv(checkout)):
        why = (result.stderr.strip().splitlines() or ["its program does not run"])[-1]
        print(f"uv {locked_version(checkout)} cannot be had here ({why}): pip installs the packages.", flush=True)
        return None
    return uv


def install_by_uv(uv: str, checkout: Path) -> bool:
    """Install the packages by uv, reaching them as pip would. Return whether it did; what it said is on the screen."""
    listed = subprocess.run((*PIP, "config", "list"), capture_output=True, text=True, check=False)
    arguments, variables = to_uv(read_pip_config(listed.stdout), os.environ)
    lock = str(checkout / PACKAGES_LOCK)
    # Without configuration: a file of somebody's uv may install elsewhere, or something else.
    command = (uv, "pip", "install", "--quiet", "--no-config", "--python", sys.executable, "--require-hashes")
    try:
        code = subprocess.run((*command, *arguments, "-r", lock), env=variables, check=False).returncode
    except OSError as error:
        print(f"{uv}: {error}", file=sys.stderr)
        code = 1
    _exit_if_interrupted(code)
    if code:
        print(f"uv could not install the packages (exit code {code}; its reason is above): pip tries.", flush=True)
    return code == 0


def install_by_pip(checkout: Path) -> int:
    """Install the packages by pip, and return its exit code."""
    return subprocess.run((*PIP_INSTALL, "-r", str(checkout / PACKAGES_LOCK)), check=False).returncode


def uv_folder(checkout: Path) -> Path:
    """Return where our uv is: not in .venv, since it is a tool of the installation and no part of the system."""
    return checkout / ".local" / "uv"


def locked_version(checkout: Path) -> str:
    """Return the version of uv that the lock names."""
    match = re.search(r"^uv==([\w.]+)", (checkout / UV_LOCK).read_text(encoding="utf-8"), re.MULTILINE)
    return match.group(1) if match else ""


def uv_version(uv: str) -> str:
    """Return a program's answer to --version, without its name; an empty text for one that does not answer."""
    try:
        result = subprocess.run(
            (uv, "--version"), capture_output=True, text=True, check=False, timeout=VERSION_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    words = result.stdout.split()
    return words[1] if result.returncode == 0 and len(words) > 1 else ""


def _exit_if_interrupted(code: int) -> None:
    """End as a child did that Ctrl-C or a termination ended: nothing else is tried then."""
    if code in (-signal.SIGINT, -signal.SIGTERM, 128 + signal.SIGINT, 128 + signal.SIGTERM):
        sys.exit(128 + signal.SIGINT)


def main(checkout: Path = CHECKOUT) -> int:
    """Install by uv unless the argument is pip, or uv fails; return an exit code."""
    installer = (sys.argv[1:] or ["uv"])[0]
    if installer not in INSTALLERS:
        print(INSTALL_USAGE)
        return 0 if installer in ("--help", "-h") else 2
    with timed_step(checkout / ".local", PYTHON_ENVIRONMENT):
        uv = (find_uv(checkout) or fetch_uv(checkout)) if installer == "uv" else None
        if uv and install_by_uv(uv, checkout):
            return 0
        return install_by_pip(checkout)


if __name__ == "__main__":
    sys.exit(main())
