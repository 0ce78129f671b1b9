"""A Java without ahead-of-time cache: a wrapper drops the options that read or create one."""

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
    """Return a folder for JAVA_HOME whose Java ignores the cache options; it is created on the first call."""
    java = folder / "bin" / "java"
    if not java.exists():
        java.parent.mkdir(parents=True)
        java.write_text(JAVA_WRAPPER.format(java=f"{java_home}/bin/java"), encoding="utf-8")
        java.chmod(0o755)
    return folder
