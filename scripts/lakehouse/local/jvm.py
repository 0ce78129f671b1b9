"""The command line of a small JVM."""

from pathlib import Path

LOG4J = Path(__file__).with_name("log4j2.properties")


def jvm(java_home: Path, jars: Path, heap: str, main: str, *arguments: str) -> tuple[str, ...]:
    """Give the command that runs `main` from a folder of jars, on a heap such as `512m`."""
    return (
        str(java_home / "bin" / "java"),
        f"-Xmx{heap}",
        # One collector thread: these heaps are small and the cores few.
        "-XX:+UseSerialGC",
        f"-Dlog4j2.configurationFile={LOG4J}",
        "-cp",
        f"{jars}/*",
        main,
        *arguments,
    )
