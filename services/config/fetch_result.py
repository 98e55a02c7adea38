"""What a place that has profiles can answer when it is asked for one."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from shared.profiles.model import Profile


@dataclass(frozen=True, slots=True)
class Found:
    """A valid profile, with N8N's ETag when it gave one."""

    profile: Profile
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """What we have is still right (304)."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """There is no such agent, and whoever says so should know."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing usable came; `reason` is for people.

    `away`: the place could not be asked. Otherwise it answered, and the profile is wrong.
    """

    reason: str
    away: bool = True


Answer = Found | Unchanged | Unknown | Failed


def read_profile(data: Any, agent_id: str, where: str) -> Found | Failed:
    """The profile in what `where` gave, or which field of it is wrong."""
    if not isinstance(data, dict) or not data.keys() & Profile.model_fields.keys():
        return Failed(f"{where} gave no profile of agent {agent_id!r}", away=False)
    named = data.get("id")
    if named not in (None, "", agent_id):
        return Failed(
            f"{where} gave the profile of another agent for {agent_id!r}: id is {named!r}",
            away=False,
        )
    try:
        return Found(Profile.model_validate({**_without_nulls(data), "id": agent_id}))
    except ValidationError as error:
        return Failed(
            f"{where} gave an invalid profile of {agent_id!r}: {_first(error)}", away=False
        )


def _without_nulls(data: dict[str, Any]) -> dict[str, Any]:
    """N8N's tables say null for an empty cell: that is an omitted field."""
    return {key: value for key, value in data.items() if value is not None}


def _first(error: ValidationError) -> str:
    """Field and reason of each fault, without the values: prose may hold anything."""
    faults = error.errors(include_url=False, include_input=False)
    parts = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults[:3]]
    return "; ".join(parts) + ("; ..." if len(faults) > 3 else "")
