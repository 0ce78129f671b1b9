"""The passwords of docker-compose's services: each in a volume of its own, which only those that need it mount."""

from pathlib import Path

from lakehouse.errors import NotReady
from lakehouse.local.secret_store import PASSWORDS, secret_path, write_password
from lakehouse.settings import Settings

# Kafka asks nobody there: the network is its door.
NAMES = tuple(name for name in PASSWORDS if not name.startswith("kafka_"))
VALUE_FILE = "value"  # in the volume of a password
# Read by several users, of our image and of others: the door is the volume, which no other service mounts.
MODE = 0o444


def write_volumes(folder: Path, settings: Settings) -> None:
    """Write each password into its volume below the folder: as the settings name it, else random at the first time.

    Raises NotReady where a volume is not mounted or cannot be written.
    """
    for name in NAMES:
        named = getattr(settings, name)
        path = secret_path(folder, name) / VALUE_FILE
        try:
            write_password(path, named.get_secret_value() if named else None, MODE)
        except OSError as error:
            raise NotReady(f"{path} cannot be written ({error.strerror}): docker-compose.yml mounts it.") from None
