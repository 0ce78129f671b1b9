"""What an install has beyond its lock files: what wheels carry, pip itself, and the jar that is compiled here."""

import base64
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackagePath, distributions
from pathlib import Path

from lakehouse.local.jar_check import OWN_SUMS, sha256
from lakehouse.local.sbom_components import IN_LOCAL_MODE, Component, normalize

# Of .venv alone: the interpreter's ensurepip brings them, and the Dockerfile removes them from the image.
FROM_INTERPRETER = frozenset({"pip", "setuptools"})
OWN_JAR = re.compile(r"([0-9a-f]{64})  \S*lakehouse-(\w+)\.jar")
# Names such as libpq-1a9b8ca9.so.5.16 and libgfortran-040039e1-0352e75f.so.5.0.0: auditwheel adds the hexadecimal.
LIBRARY_NAME = re.compile(r"(?P<name>\w+?)(?:-[0-9a-f]{8})+\.so(?:\.(?P<version>[\d.]+))?")
JAR_NAME = re.compile(r"(?P<name>.+)-(?P<version>\d+\..*)\.jar")


def installed_components(packages: Path, jars_dir: Path, wheels: Iterable[Component]) -> list[Component]:
    """Return what no lock file names, of the site-packages folder and of the jars' folder."""
    used_in = {(wheel.name, wheel.version): wheel.used_in for wheel in wheels}
    found: list[Component] = []
    for distribution in distributions(path=[str(packages)]):
        name, version = normalize(distribution.metadata["Name"]), distribution.version
        if name in FROM_INTERPRETER:
            found.append(Component("pypi", name, version, frozenset({IN_LOCAL_MODE})))
        else:
            found += _carried(distribution, f"pkg:pypi/{name}@{version}", used_in.get((name, version), frozenset()))
    sums = jars_dir / OWN_SUMS
    own = OWN_JAR.findall(sums.read_text(encoding="utf-8")) if sums.exists() else []
    return found + [
        Component("own", "lakehouse", version, frozenset({IN_LOCAL_MODE}), (sum_,)) for sum_, version in own
    ]


def find_unlisted(environment: Path, packages: Path, jars_dir: Path, components: Iterable[Component]) -> list[str]:
    """Return the wheels and jars of an install that are no component: wheels by version, jars by SHA-256."""
    listed = [*components]
    wheels = {(component.name, component.version) for component in listed if component.source == "pypi"}
    sums = {sum_ for component in listed if component.source != "pypi" for sum_ in component.sha256}
    installed = ((normalize(found.metadata["Name"]), found.version) for found in distributions(path=[str(packages)]))
    jars = (path for folder in (jars_dir, environment) for path in folder.rglob("*.jar"))
    return [
        *(f"{name} {version}" for name, version in installed if (name, version) not in wheels),
        *(str(path) for path in sorted(jars) if sha256(path) not in sums),
    ]


def _carried(distribution: Distribution, purl: str, used_in: frozenset[str]) -> Iterator[Component]:
    """Yield the jars and C libraries in a wheel, with the sums that pip recorded as it unpacked them."""
    for path in distribution.files or ():
        source, pattern = ("jar", JAR_NAME) if path.suffix == ".jar" else ("library", LIBRARY_NAME)
        if source == "library" and not path.parts[0].endswith(".libs"):
            continue
        match = pattern.fullmatch(path.name)
        name, version = (match["name"], match["version"]) if match else (path.name.split(".")[0], None)
        place = "/".join(part for part in path.parts if part != "..")
        version = version or distribution.version
        yield Component(source, name, version, used_in, _recorded_sum(path), carried_by=purl, path=place)


def _recorded_sum(path: PackagePath) -> tuple[str, ...]:
    """Return the SHA-256 that a wheel's RECORD has of a file, in hexadecimal."""
    if path.hash is None:
        return ()
    return (base64.urlsafe_b64decode(path.hash.value + "==").hex(),)
