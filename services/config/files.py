"""Profiles in the operator's folder, and the built-in one."""

import json
from pathlib import Path

from services.config.fetch_result import Failed, Found, Unknown
from services.config.validation import read_profile
from shared.profiles import DEFAULT_ID, default_profile


def from_folder(folder: Path | None, agent_id: str) -> Found | Unknown | Failed:
    """The profile in ID.json of the folder. `agent_id` must be a valid id: it names a file."""
    if folder is None:
        return Unknown()
    try:
        text = (folder / f"{agent_id}.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return Unknown()
    except (OSError, UnicodeDecodeError) as error:
        return Failed(f"{agent_id}.json in PROFILES_DIR cannot be read: {type(error).__name__}")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Failed(f"{agent_id}.json in PROFILES_DIR is not JSON: {error}", away=False)
    return read_profile(data, agent_id, f"{agent_id}.json in PROFILES_DIR")


def builtin(agent_id: str) -> Found | Unknown:
    """The profile that comes with Bolchaal, for the id `default` alone."""
    return Found(default_profile()) if agent_id == DEFAULT_ID else Unknown()
