"""Every variable of the project: what its value may be, and whether it may be empty.

Standard library only, in syntax that an old Python can parse: preflight.py checks .env before .venv exists.
A message names the variable, its place and its range. It never quotes a value, which may be a secret.
"""

from __future__ import annotations

import argparse
import ipaddress
import re
from difflib import SequenceMatcher
from typing import Callable, Iterable, Mapping, NamedTuple  # noqa: UP035 - collections.abc has no [] in Python 3.8
from urllib.parse import urlsplit

from lakehouse.arguments import REFRESH_INTERVAL
from lakehouse.env_file import Assignment, EnvError

MAX_PORT = 65_535
MAX_DAYS = 3_650
MAX_NAME_BYTES = 63  # of Postgres
PORT = re.compile(r"[1-9][0-9]{0,4}")
DAY_COUNT = re.compile(r"[1-9][0-9]{0,3}")
HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+:[0-9A-Fa-f:.]*|/[\w./ -]+")
ADDRESS = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]+)")
URI_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# Names that begin so are ours, so that a mistyped one is no other program's.
FAMILIES = (
    "DB",
    "KAFKA",
    "CONNECT",
    "CONNECTOR",
    "LAKE",
    "SLACK",
    "THRIFT",
    "STREAM",
    "WARM",
    "JARS",
    "DESTINATION",
    "LDAP",
    "ACCESS",
)
# Names of other programs that stand in many a .env, also where one looks like ours.
OTHER_PREFIXES = (
    "COMPOSE_",
    "DOCKER_",
    "BUILDKIT_",
    "PYTHON",
    "PIP_",
    "UV_",
    "JAVA_OPTS",
    "JAVA_TOOL_OPTIONS",
)
# Names that other projects use for the same thing.
SYNONYMS: Mapping[str, str] = {
    "POSTGRES_USER": "DB_USER",
    "POSTGRES_PASSWORD": "DB_PASSWORD",
    "POSTGRES_DB": "DB_NAME",
    "POSTGRES_HOST": "DB_HOST",
    "POSTGRES_PORT": "DB_PORT",
    "PGUSER": "DB_USER",
    "PGPASSWORD": "DB_PASSWORD",
    "PGDATABASE": "DB_NAME",
    "PGHOST": "DB_HOST",
    "PGPORT": "DB_PORT",
    "DATABASE_URL": "DB_HOST",
    "DB_USERNAME": "DB_USER",
    "API_KEY": "API_KEY_MAPS",
    "GOOGLE_API_KEY": "API_KEY_MAPS",
    "GOOGLE_MAPS_KEY": "API_KEY_MAPS",
    "GOOGLE_MAPS_API_KEY": "API_KEY_MAPS",
    "MAPS_API_KEY": "API_KEY_MAPS",
    "WEBHOOK_URL": "SLACK_WEBHOOK_URL",
    "SLACK_URL": "SLACK_WEBHOOK_URL",
}
MIN_SIMILARITY = 0.8
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")  # of libpq
KAFKA_PROTOCOLS = ("PLAINTEXT", "SASL_PLAINTEXT")
PERCENT_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")


class Kind(NamedTuple):
    """A kind of value: whether a text is one, how to say it, and an example."""

    accepts: Callable[[str], bool]
    expected: str
    example: str


class Variable(NamedTuple):
    """A variable of the project; an empty value of one that is not `optional` is an error."""

    kind: Kind
    optional: bool = False


def is_port(text: str) -> bool:
    """Return whether the text is a port in ASCII digits, without sign, space, zero in front or underscore."""
    return PORT.fullmatch(text) is not None and int(text) <= MAX_PORT


def is_number_of_days(text: str) -> bool:
    return DAY_COUNT.fullmatch(text) is not None and int(text) <= MAX_DAYS


def is_refresh_interval(text: str) -> bool:
    """Return whether `--watch` accepts the text."""
    try:
        REFRESH_INTERVAL(text)
    except argparse.ArgumentTypeError:
        return False
    return True


def is_address_list(text: str) -> bool:
    matches = [ADDRESS.fullmatch(part) for part in text.split(",")]
    return all(match and is_port(match.group(2)) for match in matches)


def is_url(text: str) -> bool:
    """Return whether the text is an http or https URL, with a port in its range where it names one."""
    if not _is_word(text) or not text.isascii():
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_ldap_url(text: str) -> bool:
    """Return whether the text is ldap:// or ldaps:// with a host, and no more than a port behind it."""
    match = re.fullmatch(r"ldaps?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]+))?/?", text)
    return match is not None and (match.group(2) is None or is_port(match.group(2)))


def is_dn(text: str) -> bool:
    """Return whether the text may be a distinguished name: each of its parts has a type and a value."""
    return _is_line(text) and all(
        re.match(r"\s*[A-Za-z][\w.-]*\s*=\s*\S", part) for part in re.split(r"(?<!\\),", text)
    )


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine alone; a name other than localhost may be any."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_path(text: str) -> bool:
    """Return whether the text names a file or folder as every program reads it: no `~`, which a shell replaces."""
    return _is_line(text) and not text.startswith("~") and not URI_SCHEME.match(text)


def is_lake_uri(text: str) -> bool:
    """Return whether the text is a folder, or the URI of a store with a bucket.

    Refused are percent escapes, which one reader decodes and another does not, and `file:` in all its forms.
    """
    if not _is_line(text) or PERCENT_ESCAPE.search(text) or "\\" in text or text.startswith("~"):
        return False
    if not URI_SCHEME.match(text):
        return True
    if "%" in text:
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme != "file" and "://" in text and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _is_line(text: str) -> bool:
    """Return whether the text is printable, and has no space at its ends."""
    return text.isprintable() and text == text.strip()


def _is_word(text: str) -> bool:
    return text.isprintable() and " " not in text


def _is_name(text: str) -> bool:
    return _is_line(text) and len(text.encode()) <= MAX_NAME_BYTES and not {'"', "'", "\\"} & set(text)


PORT_KIND = Kind(is_port, f"a port: a whole number from 1 to {MAX_PORT}", "5432")
HOST_KIND = Kind(lambda text: HOST.fullmatch(text) is not None, "the name or address of a host", "localhost")
ADDRESS_KIND = Kind(is_address_list, f"host:port, with a port from 1 to {MAX_PORT}", "localhost:19092")
URL_KIND = Kind(is_url, f"a URL, http://host:port, with a port from 1 to {MAX_PORT}", "http://localhost:8083")
WEBHOOK_KIND = Kind(is_url, "a URL: https://host/path", "https://hooks.slack.com/services/...")
NAME_KIND = Kind(_is_name, "a name of 1 to 63 bytes, without quotes, backslashes or spaces at its ends", "rh_sport")
SECRET_KIND = Kind(str.isprintable, "text without control characters", "...")
KEY_KIND = Kind(lambda text: _is_word(text) and text.isascii(), "a key in ASCII, without spaces", "...")
TEXT_KIND = Kind(_is_line, "text without control characters or spaces at its ends", "'...'")
WORD_KIND = Kind(_is_word, "one word", "...")
PATH_KIND = Kind(is_path, "a path without ~, and no URI", "/folder/file")
LAKE_KIND = Kind(
    is_lake_uri,
    "a folder, or a URI such as s3a://bucket/lake; without ~, %, backslash, password or file:",
    "data/delta",
)
LDAP_URL_KIND = Kind(is_ldap_url, "a URL of a directory, ldaps://host or ldaps://host:port", "ldaps://ldap.example.com")
DN_KIND = Kind(is_dn, "the distinguished name of an entry", "'cn=rh,ou=groups,dc=example,dc=com'")
LDAP_USER_KIND = Kind(
    lambda text: _is_line(text) and text.count("{user}") == 1 and '"' not in text,
    "a distinguished name with {user} in it once",
    "'uid={user},ou=people,dc=example,dc=com'",
)
SSL_MODE_KIND = Kind(lambda text: text in SSL_MODES, f"one of {', '.join(SSL_MODES)}", "require")
KAFKA_PROTOCOL_KIND = Kind(lambda text: text in KAFKA_PROTOCOLS, f"one of {', '.join(KAFKA_PROTOCOLS)}", "PLAINTEXT")
DAYS_KIND = Kind(is_number_of_days, f"a whole number of days from 1 to {MAX_DAYS}", "180")
INTERVAL_KIND = Kind(is_refresh_interval, REFRESH_INTERVAL.expected, "15s")
FORMAT_KIND = Kind(lambda text: text in {"text", "json"}, "text or json", "json")

SETTING_VARIABLES: Mapping[str, Variable] = {
    "DB_HOST": Variable(HOST_KIND),
    "DB_PORT": Variable(PORT_KIND),
    "DB_NAME": Variable(NAME_KIND),
    "DB_USER": Variable(NAME_KIND),
    "DB_PASSWORD": Variable(SECRET_KIND, optional=True),
    "DB_PASSWORD_FILE": Variable(PATH_KIND),
    "DB_LOADER_PASSWORD": Variable(SECRET_KIND, optional=True),
    "DB_LOADER_PASSWORD_FILE": Variable(PATH_KIND),
    "DB_CAPTURE_PASSWORD": Variable(SECRET_KIND, optional=True),
    "DB_CAPTURE_PASSWORD_FILE": Variable(PATH_KIND),
    "DB_WORKER_PASSWORD": Variable(SECRET_KIND, optional=True),
    "DB_WORKER_PASSWORD_FILE": Variable(PATH_KIND),
    "DB_DISTANCE_PASSWORD": Variable(SECRET_KIND, optional=True),
    "DB_DISTANCE_PASSWORD_FILE": Variable(PATH_KIND),
    "DB_NOTIFIER_PASSWORD": Variable(SECRET_KIND, optional=True),
    "DB_NOTIFIER_PASSWORD_FILE": Variable(PATH_KIND),
    "DB_READER_PASSWORD": Variable(SECRET_KIND, optional=True),
    "DB_READER_PASSWORD_FILE": Variable(PATH_KIND),
    "DB_SSLMODE": Variable(SSL_MODE_KIND),
    "DB_SSLROOTCERT": Variable(PATH_KIND, optional=True),
    "DB_SSLCERT": Variable(PATH_KIND, optional=True),
    "DB_SSLKEY": Variable(PATH_KIND, optional=True),
    "KAFKA_PORT": Variable(PORT_KIND),
    "KAFKA_BOOTSTRAP_SERVERS": Variable(ADDRESS_KIND),
    "KAFKA_CONTROLLER_PORT": Variable(PORT_KIND),
    "KAFKA_SECURITY_PROTOCOL": Variable(KAFKA_PROTOCOL_KIND),
    "KAFKA_USER": Variable(NAME_KIND),
    "KAFKA_PASSWORD": Variable(SECRET_KIND, optional=True),
    "KAFKA_PASSWORD_FILE": Variable(PATH_KIND),
    "KAFKA_CONNECT_PASSWORD": Variable(SECRET_KIND, optional=True),
    "KAFKA_CONNECT_PASSWORD_FILE": Variable(PATH_KIND),
    "KAFKA_CONTROLLER_PASSWORD": Variable(SECRET_KIND, optional=True),
    "KAFKA_CONTROLLER_PASSWORD_FILE": Variable(PATH_KIND),
    "KAFKA_STREAM_PASSWORD": Variable(SECRET_KIND, optional=True),
    "KAFKA_STREAM_PASSWORD_FILE": Variable(PATH_KIND),
    "KAFKA_REFRESH_PASSWORD": Variable(SECRET_KIND, optional=True),
    "KAFKA_REFRESH_PASSWORD_FILE": Variable(PATH_KIND),
    "KAFKA_DISTANCE_PASSWORD": Variable(SECRET_KIND, optional=True),
    "KAFKA_DISTANCE_PASSWORD_FILE": Variable(PATH_KIND),
    "KAFKA_NOTIFIER_PASSWORD": Variable(SECRET_KIND, optional=True),
    "KAFKA_NOTIFIER_PASSWORD_FILE": Variable(PATH_KIND),
    "CONNECT_URL": Variable(URL_KIND),
    "CONNECT_PASSWORD": Variable(SECRET_KIND, optional=True),
    "CONNECT_PASSWORD_FILE": Variable(PATH_KIND),
    "CONNECTOR_DB_HOST": Variable(HOST_KIND, optional=True),
    "CONNECTOR_DB_PORT": Variable(PORT_KIND, optional=True),
    "CONNECTOR_DB_PASSWORD_FILE": Variable(PATH_KIND),
    "POSTGRES_DATA_DIR": Variable(PATH_KIND),
    "LAKE_URI": Variable(LAKE_KIND),
    "INPUT_DIR": Variable(PATH_KIND),
    "OUTPUT_DIR": Variable(PATH_KIND),
    "SPARK_MASTER": Variable(WORD_KIND),
    "TUNING_DIR": Variable(PATH_KIND),
    "JAVA_HOME": Variable(PATH_KIND, optional=True),
    "WARM_JVM_SOCKET": Variable(PATH_KIND),
    "REFRESH_INTERVAL": Variable(INTERVAL_KIND, optional=True),
    "JARS_DIR": Variable(PATH_KIND),
    "JVM_TEMP_DIR": Variable(PATH_KIND),
    "SPARK_UI_PORT": Variable(PORT_KIND, optional=True),
    "THRIFT_HOST": Variable(HOST_KIND),
    "THRIFT_BIND": Variable(HOST_KIND),
    "THRIFT_PORT": Variable(PORT_KIND),
    "THRIFT_OWNER_FILE": Variable(PATH_KIND),
    "THRIFT_USERS_FILE": Variable(PATH_KIND),
    "THRIFT_PUBLISH": Variable(HOST_KIND, optional=True),
    "THRIFT_CERTIFICATE": Variable(PATH_KIND, optional=True),
    "THRIFT_CERTIFICATE_PASSWORD": Variable(SECRET_KIND, optional=True),
    "THRIFT_CERTIFICATE_PASSWORD_FILE": Variable(PATH_KIND, optional=True),
    "LDAP_URL": Variable(LDAP_URL_KIND, optional=True),
    "LDAP_USER_DN": Variable(LDAP_USER_KIND, optional=True),
    "LDAP_BASE_DN": Variable(DN_KIND, optional=True),
    "LDAP_ROLE_RH": Variable(DN_KIND, optional=True),
    "LDAP_ROLE_DIRECTION": Variable(DN_KIND, optional=True),
    "ACCESS_JOURNAL_DIR": Variable(PATH_KIND),
    "ACCESS_JOURNAL_DAYS": Variable(DAYS_KIND),
    "DESTINATION": Variable(TEXT_KIND),
    "API_KEY_MAPS": Variable(KEY_KIND, optional=True),
    "API_KEY_MAPS_FILE": Variable(PATH_KIND, optional=True),
    "MAPS_URL": Variable(URL_KIND),
    "SLACK_WEBHOOK_URL": Variable(WEBHOOK_KIND, optional=True),
    "SLACK_WEBHOOK_URL_FILE": Variable(PATH_KIND, optional=True),
    "LOG_FORMAT": Variable(FORMAT_KIND),
    "HEARTBEAT_FILE": Variable(PATH_KIND, optional=True),
}
# Those that docker-compose alone reads.
COMPOSE_VARIABLES: Mapping[str, Variable] = {
    "CONNECT_PORT": Variable(PORT_KIND),
    "STREAM_UI_PORT": Variable(PORT_KIND),
    "POSTGRES_IMAGE": Variable(WORD_KIND),
    "REDPANDA_IMAGE": Variable(WORD_KIND),
    "DEBEZIUM_IMAGE": Variable(WORD_KIND),
    "PYTHON_IMAGE": Variable(WORD_KIND),
}
# Webhooks of two channels that nothing of ours writes to yet. A .env that has them already is no mistake.
RESERVED_VARIABLES: Mapping[str, Variable] = {
    "SLACK_ALERTS_WEBHOOK_URL": Variable(WEBHOOK_KIND, optional=True),
    "SLACK_RH_WEBHOOK_URL": Variable(WEBHOOK_KIND, optional=True),
}
VARIABLES: Mapping[str, Variable] = {**SETTING_VARIABLES, **COMPOSE_VARIABLES, **RESERVED_VARIABLES}


def check_names(names: Mapping[str, Assignment]) -> None:
    """Raise EnvError for a name that looks like one of ours and is none, with the nearest one that is."""
    for name, assignment in names.items():
        nearest = None if name in VARIABLES else find_nearest(name)
        if nearest:
            raise EnvError(
                f"{name} ({assignment.place}) is no variable of this project, and would change nothing.",
                f"The nearest one is {nearest}. .env.example has them all.",
            )


def check_value(name: str, assignment: Assignment) -> None:
    """Raise EnvError for a value outside its variable's range, or an empty one where a value is needed."""
    variable = VARIABLES[name]
    if not assignment.value:
        if not variable.optional:
            raise EnvError(
                f"{name} ({assignment.place}) is empty, and needs {variable.kind.expected}.",
                f"Write a value, or delete the line: without {name} its default holds.",
            )
    elif not variable.kind.accepts(assignment.value):
        raise EnvError(
            f"{name} ({assignment.place}) is not {variable.kind.expected}.",
            f"Write it like this: {name}={variable.kind.example}",
        )


def find_nearest(name: str) -> str | None:
    """Return the variable that the name of an unknown one looks like, None where it looks like another program's."""
    if name.startswith(OTHER_PREFIXES):
        return None
    if name.upper() in SYNONYMS:
        return SYNONYMS[name.upper()]
    best = max(VARIABLES, key=lambda known: _similarity(name, known))
    is_of_our_family = name.upper().split("_", 1)[0] in FAMILIES
    return best if is_of_our_family or _similarity(name, best) > MIN_SIMILARITY else None


def merge(sources: Iterable[Mapping[str, Assignment]]) -> dict[str, Assignment]:
    """Return our variables from several sources, each value checked; a later source wins over an earlier one.

    An empty value of an optional variable is none: an earlier source's holds.
    """
    merged: dict[str, Assignment] = {}
    for source in sources:
        for name in VARIABLES:
            if name in source:
                check_value(name, source[name])
                if source[name].value:
                    merged[name] = source[name]
    return merged


def from_environment(environment: Mapping[str, str]) -> dict[str, Assignment]:
    """Return our variables of a process environment."""
    return {name: Assignment(environment[name], "in the environment") for name in VARIABLES if name in environment}


def _similarity(name: str, known: str) -> float:
    one, other = (re.sub(r"[^A-Z0-9]", "", text.upper()) for text in (name, known))
    return SequenceMatcher(None, one, other).ratio()
