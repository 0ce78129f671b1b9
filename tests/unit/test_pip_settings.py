"""Law: what people set for pip (index, links, certificate, proxy) also holds for uv, which reads none of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse.local.pip_settings import read_pip_config, to_uv

MIRROR = "https://me:secret@mirror.example/simple"
PROXIED = dict.fromkeys(
    ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://proxy:3128"
)


@pytest.mark.parametrize(
    ("pip", "variables"),
    [
        ({"index-url": MIRROR}, {"UV_DEFAULT_INDEX": MIRROR}),
        (
            {"extra-index-url": f"{MIRROR}\nhttps://other/simple"},
            {"UV_INDEX": f"{MIRROR} https://other/simple", "UV_INDEX_STRATEGY": "unsafe-best-match"},
        ),
        ({"find-links": "/opt/wheels\n/srv/wheels"}, {"UV_FIND_LINKS": "/opt/wheels,/srv/wheels"}),
        ({"cert": "/etc/company.pem"}, {"SSL_CERT_FILE": "/etc/company.pem"}),
        ({"client-cert": "/etc/me.pem"}, {"SSL_CLIENT_CERT": "/etc/me.pem"}),
        ({"proxy": "http://proxy:3128"}, PROXIED),
        ({"proxy": "proxy:3128"}, PROXIED),
        ({"timeout": "30"}, {"UV_HTTP_TIMEOUT": "30"}),
        ({"timeout": "0.5"}, {"UV_HTTP_TIMEOUT": "1"}),
        ({"default-timeout": "180"}, {"UV_HTTP_TIMEOUT": "180"}),
        ({"retries": "0"}, {"UV_HTTP_RETRIES": "0"}),
        ({"keyring-provider": "subprocess"}, {"UV_KEYRING_PROVIDER": "subprocess"}),
        ({"keyring-provider": "import"}, {}),
        ({"timeout": "long"}, {}),
        ({"index-url": ""}, {}),
        ({"target": "/opt/other", "user": "true", "no-binary": ":all:"}, {}),
        ({}, {}),
    ],
)
def test_setting_of_pip_reaches_uv(pip: dict[str, str], variables: dict[str, str]) -> None:
    settings = to_uv(pip, {"SSL_CERT_DIR": "/etc/ssl"})
    assert settings.variables == {"SSL_CERT_DIR": "/etc/ssl", **variables}
    assert settings.arguments == []


@pytest.mark.parametrize(
    ("pip", "arguments"),
    [
        ({"no-index": "true"}, ["--no-index"]),
        ({"no-index": "1"}, ["--no-index"]),
        ({"no-index": "off"}, []),
        ({"no-index": ""}, []),
        ({"trusted-host": "a.example\nb.example:8080"},
         ["--allow-insecure-host", "a.example", "--allow-insecure-host", "b.example:8080"]),
    ],
)  # fmt: skip
def test_setting_without_a_variable_is_an_argument(pip: dict[str, str], arguments: list[str]) -> None:
    assert to_uv(pip, {}).arguments == arguments


def test_variables_of_uv_that_reach_packages_win_and_the_others_are_left_out() -> None:
    environ = {
        "UV_DEFAULT_INDEX": "https://uv/simple",
        "UV_INDEX_COMPANY_PASSWORD": "secret",
        "UV_CACHE_DIR": "/cache",
        "UV_NO_VERIFY_HASHES": "1",
        "UV_TARGET": "/opt/other",
        "UV_CONFIG_FILE": "/etc/uv.toml",
        "UV_EXCLUDE_NEWER": "2020-01-01",
        "SSL_CERT_FILE": "/etc/machine.pem",
        "https_proxy": "http://machine:1",
        "PATH": "/bin",
    }
    variables = to_uv({"index-url": MIRROR, "cert": "/etc/pip.pem", "proxy": "proxy:3128"}, environ).variables
    assert variables["UV_DEFAULT_INDEX"] == "https://uv/simple"
    assert variables["UV_INDEX_COMPANY_PASSWORD"] == "secret"
    assert (variables["SSL_CERT_FILE"], variables["https_proxy"]) == ("/etc/pip.pem", "http://proxy:3128")
    assert (variables["PATH"], variables["UV_CACHE_DIR"]) == ("/bin", "/cache")
    assert variables.keys().isdisjoint({"UV_NO_VERIFY_HASHES", "UV_TARGET", "UV_CONFIG_FILE", "UV_EXCLUDE_NEWER"})


def test_machine_certificates_are_trusted_where_none_is_named() -> None:
    assert to_uv({}, {}).variables == {"UV_SYSTEM_CERTS": "true"}
    assert to_uv({}, {"SSL_CERT_FILE": ""}).variables["UV_SYSTEM_CERTS"] == "true"
    for named in ({"SSL_CERT_FILE": "/a.pem"}, {"UV_NATIVE_TLS": "false"}):
        assert "UV_SYSTEM_CERTS" not in to_uv({}, named).variables


def test_later_section_of_pip_wins() -> None:
    lines = [
        ":env:.index-url='https://env/simple'",
        "global.index-url='https://global/simple'",
        "global.cert='/etc/global.pem'",
        "install.cert='/etc/install.pem'",
        "install.find-links='\\n/opt/wheels\\n/srv/wheels'",
        "download.proxy='http://download:1'",
        "global.trusted_host='a.example'",
        'global.quote="it\'s"',
        "a line of another pip",
        "",
    ]
    assert read_pip_config("\n".join(lines)) == {
        "index-url": "https://env/simple",
        "cert": "/etc/install.pem",
        "find-links": "\n/opt/wheels\n/srv/wheels",
        "trusted-host": "a.example",
        "quote": "it's",
    }


def test_real_pip_lists_its_file_and_its_variables(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(f"[global]\nindex-url = {MIRROR}\n[install]\nfind-links =\n  /a\n  /b\n", encoding="utf-8")
    environ = {"PIP_CONFIG_FILE": str(file), "PIP_PROXY": "proxy:3128", "PIP_DEFAULT_TIMEOUT": "9", "PATH": "/bin"}
    listed = subprocess.run(
        (sys.executable, "-m", "pip", "config", "list"), env=environ, capture_output=True, text=True, check=True
    )
    variables = to_uv(read_pip_config(listed.stdout), {}).variables
    expected = {"UV_DEFAULT_INDEX": MIRROR, "UV_FIND_LINKS": "/a,/b", "https_proxy": "http://proxy:3128"}
    assert {name: variables.get(name) for name in (*expected, "UV_HTTP_TIMEOUT")} == {
        **expected,
        "UV_HTTP_TIMEOUT": "9",
    }
