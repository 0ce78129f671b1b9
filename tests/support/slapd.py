"""A directory for a test: OpenLDAP's slapd on a free port, with people and groups of invented names."""

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lakehouse.local.preflight import is_port_busy
from lakehouse.local.service_addresses import free_ports
from lakehouse.retries import wait_until
from support.timing import seconds

SLAPD = shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
BASE = "dc=example,dc=com"
DIRECTORY_PASSWORD = "corréct horse"
CONFIGURATION = """
{schemas}
# A bind with an empty password is anonymous and succeeds, as in many a directory.
allow bind_anon_cred bind_anon_dn
pidfile {folder}/slapd.pid
database ldif
directory {folder}/data
suffix "{base}"
rootdn "cn=root,{base}"
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
"""
BASE_ENTRIES = """
dn: {base}
objectClass: domain
dc: example

dn: ou=people,{base}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{base}
objectClass: organizationalUnit
ou: groups
"""
PERSON = """
dn: uid={uid},ou=people,{base}
objectClass: inetOrgPerson
uid: {uid}
cn: {uid}
sn: {uid}
userPassword:: {password}
"""


@contextmanager
def directory(folder: Path, people: tuple[str, ...], groups: dict[str, str]) -> Iterator[str]:
    """Yield the URL of a directory with these people, and groups as LDIF by their names. Each has the same password."""
    assert SLAPD is not None
    schemas = Path(SLAPD).parents[2] / "etc" / "ldap" / "schema"
    (folder / "data").mkdir(parents=True)
    includes = "\n".join(f"include {schemas}/{name}.schema" for name in ("core", "cosine", "inetorgperson", "nis"))
    conf, entries = folder / "slapd.conf", folder / "entries.ldif"
    conf.write_text(CONFIGURATION.format(schemas=includes, folder=folder, base=BASE), encoding="utf-8")
    encoded = base64.b64encode(DIRECTORY_PASSWORD.encode()).decode("ascii")
    text = BASE_ENTRIES.format(base=BASE)
    text += "".join(PERSON.format(uid=uid, base=BASE, password=encoded) for uid in people)
    text += "".join(f"\ndn: cn={name},ou=groups,{BASE}\ncn: {name}\n{lines}\n" for name, lines in groups.items())
    entries.write_text(text, encoding="utf-8")
    subprocess.run([SLAPD, "-T", "add", "-f", str(conf), "-l", str(entries)], check=True)
    [port] = free_ports(1)
    url = f"ldap://127.0.0.1:{port}"
    server = subprocess.Popen([SLAPD, "-f", str(conf), "-h", url, "-d", "0"])
    try:
        wait_until(lambda: is_port_busy(port), timeout=seconds(10), missing="slapd to listen")
        yield url
    finally:
        server.terminate()
        server.wait()
