"""Law: packages are installed by the pinned uv, or by pip where that fails, and each one's hash is always compared."""

import re
from pathlib import Path

import pytest

from lakehouse.local import install_packages
from lakehouse.local.step_times import PYTHON_ENVIRONMENT, read_times
from lakehouse.settings import ROOT

LOCKED = "0.13.9"
PIP_LISTING = "global.index-url='https://me:secret@mirror/simple'\n:env:.cert='/etc/company.pem'\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with both locks, a pip that notes its calls, and no uv."""
    folder = tmp_path / "c'est ici"
    (folder / ".local").mkdir(parents=True)
    (folder / "requirements-uv.txt").write_text(f"uv=={LOCKED} \\\n    --hash=sha256:00\n", encoding="utf-8")
    (folder / "requirements-local.txt").write_text("rich==14.0.0\n", encoding="utf-8")
    pip = _write_program(folder / "pip", f"""[ "$1" = config ] && printf '%s' "{PIP_LISTING}"; exit 0""")
    monkeypatch.setattr(install_packages, "PIP", (pip,))
    monkeypatch.setattr(install_packages, "PIP_INSTALL", (pip, "install", "--require-hashes"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr("sys.argv", ["install_packages.py"])
    return folder


def _write_program(path: Path, body: str) -> str:
    """Write a program that notes its arguments and its variables of packages next to it, then runs the body."""
    path.parent.mkdir(parents=True, exist_ok=True)
    note = f'{{ echo "call: $*"; env | grep -E "^(UV_|SSL_)"; }} >>"{path}.calls"'
    path.write_text(f"#!/bin/sh\n{note}\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def _write_uv(checkout: Path, body: str = "exit 0", version: str = LOCKED, folder: str = ".local/uv/bin") -> Path:
    answer = f"""[ "$1" = --version ] && {{ echo "uv {version} (x86_64)"; exit 0; }}"""
    return Path(_write_program(checkout / folder / "uv", f"{answer}\n{body}"))


def _calls(program: Path) -> str:
    calls = Path(f"{program}.calls")
    return calls.read_text(encoding="utf-8") if calls.exists() else ""


def test_uv_of_the_locked_version_installs_and_pip_does_not(checkout: Path) -> None:
    uv = _write_uv(checkout)
    assert install_packages.main(checkout) == 0
    assert f"-r {checkout}/requirements-local.txt" in _calls(uv)
    assert "call: install" not in _calls(checkout / "pip")
    assert PYTHON_ENVIRONMENT in read_times(checkout / ".local")


def test_uv_compares_hashes_and_reads_no_configuration_file(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_NO_VERIFY_HASHES", "UV_SYSTEM_PYTHON", "UV_REQUIRE_HASHES"):
        monkeypatch.setenv(name, "0" if name == "UV_REQUIRE_HASHES" else "1")
    monkeypatch.setenv("UV_TARGET", "/opt/other")
    uv = _write_uv(checkout)
    install_packages.main(checkout)
    [command] = [line for line in _calls(uv).splitlines() if line.startswith("call: pip install")]
    assert {"--require-hashes", "--no-config", "--python"} <= {*command.split()}
    variables = {*re.findall(r"^(UV_\w+)=", _calls(uv).partition("call: pip install")[2], re.MULTILINE)}
    assert variables.isdisjoint({"UV_NO_VERIFY_HASHES", "UV_SYSTEM_PYTHON", "UV_REQUIRE_HASHES", "UV_TARGET"})


def test_uv_reaches_packages_as_pip_is_set_and_shows_no_password(checkout: Path) -> None:
    uv = _write_uv(checkout)
    install_packages.main(checkout)
    commands = [line for line in _calls(uv).splitlines() if line.startswith("call:")]
    assert "UV_DEFAULT_INDEX=https://me:secret@mirror/simple" in _calls(uv)
    assert "SSL_CERT_FILE=/etc/company.pem" in _calls(uv)
    assert all("secret" not in command for command in commands)


def test_uv_of_the_path_is_used_in_the_locked_version_alone(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{checkout}/tools:/usr/bin:/bin")
    other = _write_uv(checkout, version="0.4.0", folder="tools")
    assert install_packages.find_uv(checkout) is None
    assert "pip install" not in _calls(other)
    locked = _write_uv(checkout, folder="tools")
    assert install_packages.find_uv(checkout) == str(locked)


@pytest.mark.parametrize(
    "version", ["", "0.13.90", "0.13", "1.0.0", "0.13.9rc1", "error"], ids=lambda version: version or "none"
)
def test_another_version_is_not_used(checkout: Path, version: str) -> None:
    _write_uv(checkout, version=version)
    assert install_packages.find_uv(checkout) is None


def test_uv_is_fetched_by_pip_with_its_hash_as_a_wheel(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = checkout / ".local/uv/bin/uv"
    source = _write_uv(checkout, folder="source")
    body = f"""[ "$1" = install ] && mkdir -p "{uv.parent}" && cp "{source}" "{uv}"; exit 0"""
    pip = _write_program(checkout / "pip", body)
    monkeypatch.setattr(install_packages, "PIP_INSTALL", (pip, "install", "--require-hashes"))
    assert install_packages.main(checkout) == 0
    [fetch] = [line for line in _calls(checkout / "pip").splitlines() if "requirements-uv.txt" in line]
    assert {"--require-hashes", "--only-binary", "--target"} <= {*fetch.split()}
    assert "requirements-local.txt" not in _calls(checkout / "pip"), "uv installed them"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("echo 'ERROR: No matching distribution found for uv' >&2; exit 1", "No matching distribution found for uv"),
        ("echo 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES' >&2; exit 1", "DO NOT MATCH THE HASHES"),
        ("exit 1", "its program does not run"),
        ("exit 0", "its program does not run"),
    ],
)
def test_pip_installs_where_uv_cannot_be_had_and_says_why(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], body: str, reason: str
) -> None:
    pip = _write_program(checkout / "pip", f"""case "$*" in *requirements-uv*) {body};; esac; exit 0""")
    monkeypatch.setattr(install_packages, "PIP_INSTALL", (pip, "install", "--require-hashes"))
    assert install_packages.main(checkout) == 0
    printed = capsys.readouterr().out
    assert f"uv {LOCKED} cannot be had here" in printed
    assert reason in printed
    assert re.search(r"install --require-hashes -r .*requirements-local\.txt", _calls(checkout / "pip"))


@pytest.mark.parametrize("body", ["exit 1", "exit 2", "kill -SEGV $$", "kill -KILL $$"])
def test_pip_installs_with_hashes_where_uv_fails(checkout: Path, capsys: pytest.CaptureFixture[str], body: str) -> None:
    _write_uv(checkout, body)
    assert install_packages.main(checkout) == 0
    assert "uv could not install the packages" in capsys.readouterr().out
    assert re.search(r"install --require-hashes -r .*requirements-local\.txt", _calls(checkout / "pip"))


def test_file_that_is_no_program_is_no_uv(checkout: Path) -> None:
    uv = _write_uv(checkout)
    uv.write_bytes(b"\x7fELF broken")
    assert install_packages.find_uv(checkout) is None
    uv.chmod(0o644)
    assert install_packages.find_uv(checkout) is None


@pytest.mark.parametrize("body", ["kill -INT $$", "kill -TERM $$", "exit 130"])
def test_interrupted_uv_is_not_followed_by_pip(checkout: Path, body: str) -> None:
    _write_uv(checkout, body)
    with pytest.raises(SystemExit) as ended:
        install_packages.main(checkout)
    assert ended.value.code == 130
    assert "call: install" not in _calls(checkout / "pip")
    assert read_times(checkout / ".local") == {}


def test_pip_alone_installs_where_it_is_chosen(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = _write_uv(checkout)
    monkeypatch.setattr("sys.argv", ["install_packages.py", "pip"])
    assert install_packages.main(checkout) == 0
    assert _calls(uv) == ""
    assert "--require-hashes" in _calls(checkout / "pip")


def test_exit_code_is_that_of_pip(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = _write_program(checkout / "pip", "exit 3")
    monkeypatch.setattr(install_packages, "PIP_INSTALL", (pip, "install"))
    assert install_packages.main(checkout) == 3


@pytest.mark.parametrize(("word", "code"), [("--help", 0), ("-h", 0), ("conda", 2), ("", 2)])
def test_unknown_installer_is_named(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str, code: int
) -> None:
    monkeypatch.setattr("sys.argv", ["install_packages.py", word])
    assert install_packages.main(checkout) == code
    assert "make install INSTALLER=pip" in capsys.readouterr().out


def test_locks_of_this_checkout_have_hashes() -> None:
    assert install_packages.PIP_INSTALL[-1] == "--require-hashes"
    for name in ("requirements-uv.txt", "requirements-local.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        pinned = re.findall(r"^[\w.-]+(?:\[.*\])?==.*(?:\n\s+--hash=sha256:[0-9a-f]{64}.*)+", text, re.MULTILINE)
        assert len(pinned) == len(re.findall(r"^[\w.-]+(?:\[.*\])?==", text, re.MULTILINE)) > 0
    assert install_packages.locked_version(ROOT) == LOCKED
