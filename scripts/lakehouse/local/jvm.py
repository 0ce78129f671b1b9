"""The command line of a small JVM."""

from pathlib import Path

LOG4J = Path(__file__).with_name("log4j2.properties")


def jvm(java_home: Path, jars: Path, heap: str, main: str, *arguments: str, quick: bool = True) -> tuple[str, ...]:
    """Give the command that runs `main` from a folder of jars, on a heap such as `512m`.

    `quick` leaves the optimising compiler out: a broker starts with a third less CPU, and moves bytes as fast.
    """
    return (
        str(java_home / "bin" / "java"),
        f"-Xmx{heap}",
        # One collector thread: these heaps are small and the cores few.
        "-XX:+UseSerialGC",
        *(("-XX:TieredStopAtLevel=1",) if quick else ()),
        f"-Dlog4j2.configurationFile={LOG4J}",
        "-cp",
        f"{jars}/*",
        main,
        *arguments,
    )
