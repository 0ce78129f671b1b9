"""NOTICE: the licences of what is passed on with our image, or fetched by an install, the demanding ones first."""

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator

from lakehouse.local.licenses import LicenseTable
from lakehouse.local.sbom_components import IN_COMPOSE, IN_IMAGE, IN_LOCAL_MODE, Component
from lakehouse.local.sbom_installed import FROM_INTERPRETER

WIDTH = 110
INTRODUCTION = """\
sport-rewards-lakehouse is under the MIT licence, in the file LICENSE. What it runs on has licences of its own.
This file is written by `make sbom`: correct scripts/lakehouse/local/licenses.txt, and not this file.
Who passes our image on passes on what is listed under "our image", and Debian's packages of its base,
whose licences are in /usr/share/doc of the image. Wheels have their licences in their .dist-info folders.
"""
# What a licence asks of whoever passes a component on. A licence of a choice is listed under the choice.
DEMANDS = {
    "BUSL-1.1": (
        "The Business Source License 1.1 is no open source licence. Redpanda may be run in production, but not be "
        "offered to others as a streaming or queuing service. Four years after its release a version turns "
        "Apache-2.0. Features that ask for Redpanda's enterprise licence are not used. docker-compose pulls it from "
        "its maker; neither our image nor local mode, which runs Apache Kafka, has it."
    ),
    "GPL-2.0-only WITH Classpath-exception-2.0": (
        "The GNU General Public License 2 with the Classpath exception: OpenJDK. The exception lets programs of any "
        "licence run on it. Who passes it on owes its source, which is at https://openjdk.org, and its legal folder."
    ),
    "GPL-2.0-only": "The GNU General Public License 2. Tests alone load it, and our image does not have it.",
    "GPL-3.0-or-later": (
        "The GNU General Public License 3. It is in the wheel of local mode's Postgres, for psql. No program of ours "
        "loads it, and our image does not have it."
    ),
    "GPL-3.0-or-later WITH GCC-exception-3.1": (
        "The GNU General Public License 3 with the exception for GCC's runtime: it asks nothing of what uses it."
    ),
    "LGPL-2.1-or-later": (
        "The GNU Lesser General Public License 2.1 or later. It is loaded as a library of its own and unchanged, "
        "so that anybody may replace it by another version. Who passes it on owes its source."
    ),
    "LGPL-3.0-or-later": (
        "The GNU Lesser General Public License 3 or later, with psycopg's exception for OpenSSL. It is loaded as a "
        "library of its own and unchanged. Who passes it on owes its source, which is on PyPI."
    ),
    "MPL-2.0": "The Mozilla Public License 2.0. It is unchanged; a changed file of it would stay under that licence.",
    "EPL-2.0": "The Eclipse Public License 2.0. It is unchanged; its source is at its project's.",
    "CDDL-1.0": "The Common Development and Distribution License 1.0. It is unchanged; its source is at its project's.",
}


def render_notice(components: Iterable[Component], licenses: LicenseTable) -> str:
    """Return the text: what asks for something, then all components by where they are used and by licence.

    Debian's packages, pip and our own jar are left out, so that each machine writes the same text.
    """
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for component in components:
        if component.source in {"deb", "own"} or component.name in FROM_INTERPRETER:
            continue
        place = next(place for place in (IN_IMAGE, IN_COMPOSE, IN_LOCAL_MODE) if place in component.used_in)
        found[place][licenses.find(component.source, component.name)].add(_label(component))
    return INTRODUCTION + "".join(_demands(found)) + "".join(_places(found))


def _label(component: Component) -> str:
    """Return a component's name with its version; a library's without, for it differs between machines."""
    carrier = component.carried_by.rpartition("/")[2].partition("@")[0]
    name = component.name.rpartition(":")[2]
    label = name if component.source == "library" else f"{name} {component.version}"
    return f"{label} ({carrier})" if carrier else label


def _demands(found: dict[str, dict[str, set[str]]]) -> Iterator[str]:
    yield "\n== What asks for something ==\n"
    for license_, demand in DEMANDS.items():
        labels = {label for by_license in found.values() for label in by_license.get(license_, ())}
        if labels:
            yield f"\n{license_}\n{_wrap(demand)}{_wrap(', '.join(sorted(labels, key=str.lower)), '    ')}"


def _places(found: dict[str, dict[str, set[str]]]) -> Iterator[str]:
    for place in (IN_IMAGE, IN_LOCAL_MODE, IN_COMPOSE):
        yield f"\n== In {place} ==\n"
        for license_, labels in sorted(found[place].items()):
            yield f"\n{license_}\n{_wrap(', '.join(sorted(labels, key=str.lower)), '    ')}"


def _wrap(text: str, indent: str = "  ") -> str:
    lines = textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines) + "\n"
