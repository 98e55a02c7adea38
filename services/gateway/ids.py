"""Ids in paths and queries, by type. One that cannot exist is answered as one that does not: 404.

They are validated after the dependencies of a route, so that whoever may not ask is answered 401.
"""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from shared.errors import NotFound
from shared.ids import is_uuid
from shared.profiles.model import is_agent_id


def _uuid_of(kind: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not is_uuid(text):
            raise NotFound(f"no {kind} {text!r}", code=f"unknown_{kind}")
        return text

    return check


def require_agent_id(text: str, *, field: str = "agent_id") -> str:
    """Raises NotFound, at fault the `field`, unless an agent can have this id at all."""
    if not is_agent_id(text):
        raise NotFound(f"no agent {text!r}", code="unknown_agent", field=field)
    return text


_UUID_SCHEMA = WithJsonSchema({"type": "string", "format": "uuid"})

CallId = Annotated[str, AfterValidator(_uuid_of("call")), _UUID_SCHEMA]
LeadId = Annotated[str, AfterValidator(_uuid_of("lead")), _UUID_SCHEMA]
AgentId = Annotated[str, AfterValidator(require_agent_id)]
