"""What a place that has profiles can answer when it is asked for one."""

from dataclasses import dataclass

from shared.profiles.model import Profile


@dataclass(frozen=True, slots=True)
class Found:
    """A valid profile, with N8N's ETag when it gave one.

    `left_out` says which parts of what was given could not be used, for people.
    """

    profile: Profile
    etag: str = ""
    left_out: str = ""


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
    `passing`: it may be starting, so that it is worth asking again within a second.
    """

    reason: str
    away: bool = True
    passing: bool = False


FetchResult = Found | Unchanged | Unknown | Failed
