"""The bill of materials, in CycloneDX 1.6: all wheels, jars and images, with hashes and licences. Also NOTICE.

Debian's packages inside of the base image are known to the image alone. Where it was built, they come by an option.
"""

import json
import re
import sysconfig
from pathlib import Path
from typing import Any

from lakehouse.arguments import Parser, PathName
from lakehouse.errors import LakehouseError, run
from lakehouse.local.licenses import LicenseTable, read_licenses
from lakehouse.local.notice import render_notice
from lakehouse.local.sbom_components import (
    IN_IMAGE,
    Component,
    container_images,
    locked_jars,
    locked_wheels,
    read_image_packages,
)
from lakehouse.local.sbom_installed import find_unlisted, installed_components
from lakehouse.settings import ROOT, Settings

SBOM_FILE, NOTICE_FILE = ROOT / ".local" / "sbom.cdx.json", ROOT / "NOTICE"
OWN_LICENSE = "MIT"


def to_cyclonedx(components: list[Component], licenses: LicenseTable) -> dict[str, Any]:
    """Return the document: no time and no serial number, so that one install has one document."""
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    inside = [component for component in components if component.carried_by]
    by_purl = {component.purl: _entry(component, licenses) for component in components if not component.carried_by}
    for component in inside:
        by_purl[component.carried_by].setdefault("components", []).append(_entry(component, licenses))
    incomplete = [component.purl for component in components if component.source == "image"]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "sport-rewards-lakehouse",
                "name": "sport-rewards-lakehouse",
                "version": version[1] if version else "",
                "licenses": [{"expression": OWN_LICENSE}],
            }
        },
        "components": [by_purl[purl] for purl in sorted(by_purl)],
        # A tag says nothing of what is inside of an image.
        "compositions": [{"aggregate": "incomplete", "assemblies": sorted(incomplete)}],
    }


def _entry(component: Component, licenses: LicenseTable) -> dict[str, Any]:
    group, _, name = component.name.rpartition(":")
    entry: dict[str, Any] = {
        "type": "container" if component.source == "image" else "library",
        "bom-ref": component.purl,
        **({"group": group} if group else {}),
        "name": name,
        "version": component.version,
        "scope": "required" if IN_IMAGE in component.used_in else "optional",
        "purl": component.purl,
        "properties": [{"name": "lakehouse:used-in", "value": place} for place in sorted(component.used_in)],
    }
    if license_ := find_license(component, licenses):
        entry["licenses"] = [{"expression": license_}]
    if component.marker:
        entry["properties"].append({"name": "lakehouse:marker", "value": component.marker})
    hashes = [{"alg": "SHA-256", "content": sum_} for sum_ in component.sha256]
    if component.source == "pypi" and hashes:
        # One wheel a platform: the lock names them all, and pip takes one.
        entry["externalReferences"] = [{"type": "distribution", "url": component.purl, "hashes": hashes}]
    elif hashes:
        entry["hashes"] = hashes
    return entry


def find_license(component: Component, licenses: LicenseTable) -> str | None:
    """Return a component's licence; None for Debian's packages, whose licences the image alone has."""
    match component.source:
        case "deb":
            return None
        case "own":
            return OWN_LICENSE
        case source:
            return licenses.find(source, component.name)


def main() -> None:
    """Write the bill of materials and NOTICE; refuse an install that has a wheel or a jar of no lock file."""
    parser = Parser(
        prog="python -m lakehouse.local.sbom",
        description=__doc__.split("\n", 1)[0] if __doc__ else None,
        epilog="example: python -m lakehouse.local.sbom",
    )
    parser.add_argument(
        "--image-packages", type=PathName(), metavar="FILE", help="Debian's packages of our image, from dpkg-query"
    )
    packages_file: Path | None = parser.parse_args().image_packages
    licenses, packages, jars_dir = read_licenses(), Path(sysconfig.get_path("purelib")), Settings().jars_dir
    locked = [*locked_wheels(), *locked_jars(), *container_images()]
    components = [*locked, *installed_components(packages, jars_dir, locked)]
    if unlisted := find_unlisted(Path(sysconfig.get_path("data")), packages, jars_dir, components):
        raise LakehouseError(f"of no lock file: {', '.join(unlisted)}. Remove it, or run `make install` again.")
    if packages_file:
        components += read_image_packages(packages_file.read_text(encoding="utf-8"))
    SBOM_FILE.write_text(json.dumps(to_cyclonedx(components, licenses), indent=1) + "\n", encoding="utf-8")
    NOTICE_FILE.write_text(render_notice(components, licenses), encoding="utf-8")
    print(f"{SBOM_FILE}: {len(components)} components; {NOTICE_FILE}: their licences")
    if not packages_file:
        print("Debian's packages of the base image are not in it: --image-packages has them from a built image.")


if __name__ == "__main__":
    run(main)
