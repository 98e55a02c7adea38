"""The data folder of `make run`, for one system at a time.

Two Valkeys that append to the same files would corrupt them, and the leads in them.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from shared.errors import SettingsError


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Makes the folder and holds it. The kernel lets go of it when the process dies, however.

    Raises SettingsError when another system holds it, or when it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w", encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"SANDBOX_DATA: found {str(folder)!r}, expected a folder that can be written"
            f" ({error.strerror})"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SettingsError(
                f"SANDBOX_DATA: found {str(folder)!r}, which another running system uses,"
                " expected a folder of its own"
            ) from error
        yield
