"""Java as it is, whatever Spark's settings ask of it: no ahead-of-time cache is read, and none is made."""

from pathlib import Path

JAVA_WRAPPER = """\
#!/bin/sh
for word; do
  shift
  case $word in -XX:AOTCache*) ;; *) set -- "$@" "$word" ;; esac
done
exec '{java}' "$@"
"""


def java_without_cache(folder: Path, java_home: Path | None) -> Path:
    """Give a folder for JAVA_HOME, made where it is not there yet, whose Java is that of another without a cache."""
    java = folder / "bin" / "java"
    if not java.exists():
        java.parent.mkdir(parents=True)
        java.write_text(JAVA_WRAPPER.format(java=f"{java_home}/bin/java"), encoding="utf-8")
        java.chmod(0o755)
    return folder
