"""How people let pip reach packages, in uv's words: uv reads neither pip's variables nor its files.

Standard library only, in syntax that an old Python can parse: an installation uses it before the packages are there.
"""

from __future__ import annotations

import ast
import math
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTING_LINE = re.compile(r"(?P<section>:env:|[\w-]+)\.(?P<name>[\w.-]+)=(?P<value>.*)")
PIP_SECTIONS = ("global", "install", ":env:")  # a later one wins, as in pip
FALSE_WORDS = frozenset({"", "0", "n", "no", "f", "false", "off"})
# Of uv's own variables, those that say how it reaches packages stay: UV_TARGET, UV_NO_VERIFY_HASHES and their like not.
UV_REACH = frozenset(
    {
        *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX_STRATEGY", "UV_FIND_LINKS"),
        *("UV_INSECURE_HOST", "UV_KEYRING_PROVIDER", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_OFFLINE"),
        *("UV_HTTP_TIMEOUT", "UV_HTTP_CONNECT_TIMEOUT", "UV_HTTP_RETRIES", "UV_CACHE_DIR", "UV_LINK_MODE"),
        *("UV_CONCURRENT_DOWNLOADS", "UV_CONCURRENT_INSTALLS", "UV_NO_PROGRESS"),
    }
)
UV_REACH_PREFIX = "UV_INDEX_"  # user and password of an index
CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS")
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


class UvSettings(NamedTuple):
    """Arguments and environment for uv. A URL may have a password, so that it is in no command line."""

    arguments: list[str]
    variables: dict[str, str]


def read_pip_config(output: str) -> dict[str, str]:
    """Return pip's settings by name from `pip config list`: of its files and variables, the one that counts."""
    by_section: dict[str, dict[str, str]] = {section: {} for section in PIP_SECTIONS}
    for match in map(SETTING_LINE.fullmatch, output.splitlines()):
        if match and match["section"] in by_section:
            by_section[match["section"]][match["name"].lower().replace("_", "-")] = _unquote(match["value"])
    return {name: value for section in PIP_SECTIONS for name, value in by_section[section].items()}


def to_uv(pip: Mapping[str, str], environ: Mapping[str, str]) -> UvSettings:
    """Return how uv reaches packages as pip would. A variable of uv's own wins; one of another purpose is left out."""
    inherited = {name: value for name, value in environ.items() if _reaches(name)}
    uv_own = {name: value for name, value in inherited.items() if name.startswith("UV_")}
    variables = {**inherited, **_places(pip), **_connection(pip), **uv_own}
    if not any(variables.get(name) for name in CERTIFICATE_VARIABLES):
        variables["UV_SYSTEM_CERTS"] = "true"  # as pip from 24.2 on: a company's own authority is known to the machine
    arguments = ["--no-index"] if pip.get("no-index", "").lower() not in FALSE_WORDS else []
    for host in pip.get("trusted-host", "").split():
        arguments += ["--allow-insecure-host", host]
    return UvSettings(arguments, variables)


def _places(pip: Mapping[str, str]) -> dict[str, str]:
    """Return where packages are."""
    variables = {}
    if pip.get("index-url"):
        variables["UV_DEFAULT_INDEX"] = pip["index-url"]
    if extra := pip.get("extra-index-url", "").split():
        # As pip, and safe because each file's hash is locked: the index that has the version serves it.
        variables.update({"UV_INDEX": " ".join(extra), "UV_INDEX_STRATEGY": "unsafe-best-match"})
    if links := pip.get("find-links", "").split():
        variables["UV_FIND_LINKS"] = ",".join(links)
    return variables


def _connection(pip: Mapping[str, str]) -> dict[str, str]:
    """Return how a server is reached: certificates, proxy, time-out, retries, the keyring's program."""
    renamed = {"cert": "SSL_CERT_FILE", "client-cert": "SSL_CLIENT_CERT"}
    variables = {uv_name: pip[name] for name, uv_name in renamed.items() if pip.get(name)}
    if pip.get("proxy"):
        proxy = pip["proxy"] if "://" in pip["proxy"] else f"http://{pip['proxy']}"
        variables.update(dict.fromkeys(PROXY_VARIABLES, proxy))
    if seconds := _to_number(pip.get("timeout", pip.get("default-timeout", ""))):
        variables["UV_HTTP_TIMEOUT"] = str(math.ceil(seconds))
    if (retries := _to_number(pip.get("retries", ""))) is not None:
        variables["UV_HTTP_RETRIES"] = str(int(retries))
    if pip.get("keyring-provider") == "subprocess":
        variables["UV_KEYRING_PROVIDER"] = "subprocess"
    return variables


def _reaches(name: str) -> bool:
    return not name.startswith("UV_") or name in UV_REACH or name.startswith(UV_REACH_PREFIX)


def _unquote(text: str) -> str:
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text


def _to_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
