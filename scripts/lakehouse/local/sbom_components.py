"""What the lock files and docker-compose.yml name: wheels, jars and container images."""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from lakehouse.local.jar_check import JAR_LOCKS
from lakehouse.local.jars import Jar, read_lock
from lakehouse.settings import ROOT

LOCKED_WHEEL = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>.*?))? \\\n(?P<hashes>(?: +--hash=.*\n?)+)", re.MULTILINE
)
IMAGE = re.compile(r"\$\{\w+_IMAGE:-([^:}]+):([^}]+)\}")
IN_IMAGE, IN_LOCAL_MODE, IN_COMPOSE = "our image", "local mode and tests", "docker-compose"
BASE_IMAGE = "python"
IMAGE_JARS = frozenset({"spark"})  # of the sets of jars, what scripts/Dockerfile copies


@dataclass(frozen=True)
class Component:
    """A part of an install. `source` is the first word of its line in licenses.txt, `used_in` says by what."""

    source: str
    name: str
    version: str
    used_in: frozenset[str]
    sha256: tuple[str, ...] = ()
    carried_by: str = ""  # the purl of the wheel that it is in
    path: str = ""  # in that wheel
    marker: str = ""  # on which machines pip installs it

    @property
    def purl(self) -> str:
        """Return the package URL, which no other component has."""
        match self.source:
            case "maven":
                return f"pkg:maven/{self.name.replace(':', '/')}@{self.version}"
            case "image":
                host, _, rest = self.name.partition("/")
                if "." not in host:
                    return f"pkg:docker/{self.name}@{self.version}"
                return f"pkg:docker/{rest}@{self.version}?repository_url={host}"
            case "jar" | "library":
                return f"{self.carried_by}#{self.path}"
            case "deb":
                return f"pkg:deb/debian/{self.name}@{self.version}"
            case _:
                return f"pkg:{self.source}/{self.name}@{self.version}"


def normalize(name: str) -> str:
    """Return a Python package's name as the lock files write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_wheel_lock(text: str, used_in: frozenset[str] = frozenset()) -> list[Component]:
    """Return the wheels that a requirements file pins, each with the hashes of all its files."""
    return [
        Component(
            "pypi",
            normalize(match["name"]),
            match["version"],
            used_in,
            tuple(sorted(re.findall(r"sha256:([0-9a-f]{64})", match["hashes"]))),
            marker=match["marker"] or "",
        )
        for match in LOCKED_WHEEL.finditer(text)
    ]


def locked_wheels(root: Path = ROOT) -> list[Component]:
    """Return the wheels of both requirements files; what the image has is in both."""
    image, local = (
        read_wheel_lock((root / f"{name}.txt").read_text(encoding="utf-8"))
        for name in ("requirements", "requirements-local")
    )
    both = {(wheel.name, wheel.version) for wheel in image}
    return [
        Component(
            wheel.source,
            wheel.name,
            wheel.version,
            frozenset({IN_LOCAL_MODE, *([IN_IMAGE] if (wheel.name, wheel.version) in both else [])}),
            wheel.sha256,
            marker=wheel.marker,
        )
        for wheel in local
    ]


def locked_jars(root: Path = ROOT) -> list[Component]:
    """Return the jars of all lock files, each once, though two sets may have it."""
    sets: dict[Jar, set[str]] = defaultdict(set)
    for name, lock in JAR_LOCKS.items():
        for jar in read_lock((root / lock).read_text(encoding="utf-8")):
            sets[jar].add(name)
    return [
        Component(
            "maven",
            f"{jar.group}:{jar.artifact}",
            jar.version,
            frozenset({IN_LOCAL_MODE, *([IN_IMAGE] if names & IMAGE_JARS else [])}),
            (jar.sha256,),
        )
        for jar, names in sets.items()
    ]


def container_images(root: Path = ROOT) -> list[Component]:
    """Return the base of our image, and the images that docker-compose.yml pulls, by their tags."""
    compose = (root / "docker-compose.yml").read_text(encoding="utf-8")
    return [
        Component("image", name, version, frozenset({IN_IMAGE if name == BASE_IMAGE else IN_COMPOSE}))
        for name, version in dict.fromkeys(IMAGE.findall(compose))
    ]


def read_image_packages(text: str) -> list[Component]:
    """Return Debian's packages of our image, from lines of `dpkg-query --show`: a name, a tab and a version.

    A name may end in its architecture, as libc6:amd64 does.
    """
    pairs = (line.split("\t") for line in text.splitlines() if line.strip())
    return [Component("deb", name.partition(":")[0], version, frozenset({IN_IMAGE})) for name, version in pairs]
