"""An override for docker-compose that names each image by its digest, which its owner cannot move as a tag."""

import json
import re
import subprocess
from collections.abc import Callable

from lakehouse.arguments import Parser
from lakehouse.errors import LakehouseError, run
from lakehouse.local.sbom_components import BASE_IMAGE, container_images
from lakehouse.settings import ROOT

PINNED_FILE = ROOT / "docker-compose.pinned.yml"
COMPOSE_FILE = ROOT / "docker-compose.yml"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def render_override(compose: str, find_digest: Callable[[str], str]) -> str:
    """Return the override's text: JSON, which YAML contains. `find_digest` gets an image such as postgres:16.14."""
    pinned = {}
    for image in container_images():
        tagged = f"{image.name}:{image.version}"
        digest = find_digest(tagged)
        if not DIGEST.fullmatch(digest):
            raise LakehouseError(f"{tagged}: not a digest: {digest[:80]!r}. Is it in the registry?")
        pinned[image.name] = f"{tagged}@{digest}"
    services: dict[str, object] = {}
    for name, text in re.findall(r"^  ([a-z-]+):\n((?:    .*\n|\n)+)", compose, re.MULTILINE):
        if "<<: *app" in text:
            services[name] = {"build": {"args": {"PYTHON_IMAGE": pinned[BASE_IMAGE]}}}
        elif match := re.search(r"image: \$\{\w+:-([^:}]+):", text):
            services[name] = {"image": pinned[match[1]]}
    return json.dumps({"services": services}, indent=2) + "\n"


def find_digest(image: str) -> str:
    """Return the digest that a registry has behind a tag. Raises LakehouseError where Docker cannot say it."""
    command = ["docker", "buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}", image]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except FileNotFoundError:
        raise LakehouseError("docker is not installed: it asks the registries for digests.") from None
    except subprocess.CalledProcessError as error:
        raise LakehouseError(f"{image}: {error.stderr.strip()}. Is there a network?") from error


def main() -> None:
    """Write docker-compose.pinned.yml, or nothing where one image has no digest."""
    Parser(
        prog="python -m lakehouse.local.pin_images",
        description=__doc__,
        epilog="example: python -m lakehouse.local.pin_images",
    ).parse_args()
    PINNED_FILE.write_text(render_override(COMPOSE_FILE.read_text(encoding="utf-8"), find_digest), encoding="utf-8")
    print(f"written: {PINNED_FILE}. Name it after docker-compose.yml, each with -f.")


if __name__ == "__main__":
    run(main)
