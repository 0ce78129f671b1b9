"""Law: a container has nothing that it can do without, and what it keeps is documented with its reason."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from ruamel.yaml import YAML

from lakehouse.errors import LakehouseError
from lakehouse.local.pin_images import render_override
from lakehouse.settings import ROOT

COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
SERVICES: Mapping[str, Mapping[str, Any]] = YAML(typ="safe").load(COMPOSE_TEXT)["services"]
OURS = frozenset(name for name, service in SERVICES.items() if "build" in service)
OUR_IMAGE, WRITABLE_ROOT = "all of our image", "a writable root file system"
DOCKERFILE = (ROOT / "scripts" / "Dockerfile").read_text(encoding="utf-8")
ENTRYPOINT = (ROOT / "scripts" / "entrypoint.sh").read_text(encoding="utf-8")
SAMPLE_DIGEST = f"sha256:{'0' * 64}"
each_service = pytest.mark.parametrize("name", SERVICES)


def _documented(service: str) -> set[str]:
    page = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!Services)([^|]+) \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    assert all(reason.strip() for *_, reason in rows)
    own = f"`{service}`"
    label = OUR_IMAGE if service in OURS and own not in {named for named, *_ in rows} else own
    return {word for named, keeps, _ in rows if named == label for word in re.findall(r"`([^`]+)`", keeps) or [keeps]}


def _retained(service: Mapping[str, Any]) -> set[str]:
    in_memory = {mount.split(":")[0] for mount in service.get("tmpfs", [])}
    anonymous = {volume for volume in service.get("volumes", []) if ":" not in volume}
    return {*service.get("cap_add", []), *in_memory, *anonymous, *([] if service["read_only"] else [WRITABLE_ROOT])}


@each_service
def test_service_gives_up_what_it_can_do_without(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert 0 < service["pids_limit"] <= 3000
    assert not {"privileged", "pid", "ipc", "devices", "userns_mode"} & service.keys()
    assert service.get("network_mode", "none") == "none"


@each_service
def test_what_a_service_keeps_is_what_the_page_says(name: str) -> None:
    assert _retained(SERVICES[name]) == _documented(name)


def test_service_that_stays_root_has_no_capability_and_no_network() -> None:
    [root] = [SERVICES[name] for name in OURS if "entrypoint" in SERVICES[name]]
    assert (root["entrypoint"], root["cap_add"], root["network_mode"]) == ([], [], "none")


def test_page_names_no_other_service() -> None:
    page = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    rows = {row.strip("`") for row in re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", page, re.MULTILINE)}
    assert rows - {"Services"} <= {OUR_IMAGE, *SERVICES}


@pytest.mark.parametrize("name", sorted(name for name in OURS if "entrypoint" not in SERVICES[name]))
def test_entrypoint_writes_only_where_our_containers_can(name: str) -> None:
    writable = _retained(SERVICES[name])
    folders = {"/run/lakehouse", "/home/lakehouse", "/tmp"}  # noqa: S108 - the container's
    assert folders <= writable
    targets = re.findall(r"(?:passwd|HOME|starts|tls_copy)=(/[\w/]+)", ENTRYPOINT)
    assert len(targets) == 4
    assert all(any(f"{target}/".startswith(f"{folder}/") for folder in folders) for target in targets)


def test_image_has_passwd_where_the_entrypoint_expects_it() -> None:
    assert "ln -s /run/lakehouse/passwd /etc/passwd" in DOCKERFILE
    assert "passwd=/run/lakehouse/passwd" in ENTRYPOINT


def test_image_has_the_certificate_where_the_entrypoint_copies_it() -> None:
    assert "ln -s /run/lakehouse/tls data/tls" in DOCKERFILE
    assert "tls_copy=/run/lakehouse/tls" in ENTRYPOINT


def test_image_has_no_installer() -> None:
    stages = DOCKERFILE.split("\nFROM ")
    assert re.search(r"/opt/venv/bin/pip uninstall .*setuptools pip", stages[1])
    assert re.search(r"python -m pip uninstall .*wheel setuptools pip", stages[-1])
    assert "rm -rf /usr/local/lib/python3*/ensurepip" in stages[-1]


def test_override_names_each_service_by_a_digest() -> None:
    override = json.loads(render_override(COMPOSE_TEXT, lambda _: SAMPLE_DIGEST))["services"]
    assert override.keys() == SERVICES.keys()
    for name, service in override.items():
        image = service["build"]["args"]["PYTHON_IMAGE"] if name in OURS else service["image"]
        assert image.endswith(f"@{SAMPLE_DIGEST}")
        assert image.removesuffix(f"@{SAMPLE_DIGEST}") in COMPOSE_TEXT


@pytest.mark.parametrize(
    "answer", ["", "latest", "sha256:12", f"{SAMPLE_DIGEST}\n{SAMPLE_DIGEST}", f"{SAMPLE_DIGEST}0", "<no value>"]
)
def test_answer_that_is_no_digest_is_an_error_that_names_the_image(answer: str) -> None:
    with pytest.raises(LakehouseError, match=r"python:3\.11"):
        render_override(COMPOSE_TEXT, lambda _: answer)
