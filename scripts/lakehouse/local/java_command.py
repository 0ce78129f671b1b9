"""The command line of a small JVM."""

from collections.abc import Iterable
from pathlib import Path

from lakehouse.spark.jvm_options import WITHOUT_PERF_DATA

LOG4J_CONFIG = Path(__file__).with_name("log4j2.properties")


def java_command(
    java_home: Path,
    jars: Path,
    temp_dir: Path,
    heap: str,
    main: str,
    *arguments: str,
    c1_only: bool = True,
    options: Iterable[str] = (),
) -> tuple[str, ...]:
    """Return the command that runs `main` from a folder of jars, on a heap such as `512m`.

    `c1_only` leaves the optimising compiler out: a broker starts with a third less CPU, and moves bytes as fast.
    `options` are more of Java's own.
    """
    return (
        str(java_home / "bin" / "java"),
        f"-Xmx{heap}",
        # One collector thread: these heaps are small and the cores few.
        "-XX:+UseSerialGC",
        *(("-XX:TieredStopAtLevel=1",) if c1_only else ()),
        # A URI: Log4j takes a path with a comma for two.
        f"-Dlog4j2.configurationFile={LOG4J_CONFIG.as_uri()}",
        # What the libraries of compression unpack, and what Java counts, goes to /tmp otherwise.
        f"-Djava.io.tmpdir={temp_dir}",
        WITHOUT_PERF_DATA,
        *options,
        "-cp",
        f"{jars}/*",
        main,
        *arguments,
    )
