"""Settings that a job's .conf has under a prefix of ours, for a part of its work only."""

from collections.abc import Mapping


def settings_under(prefix: str, conf: Mapping[str, str]) -> dict[str, str]:
    """Return the settings whose names begin with the prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in conf.items() if name.startswith(prefix)}
