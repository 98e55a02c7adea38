"""An event as the fields of a stream entry, and back.

Readable on purpose: `XRANGE bolchaal:calls - +` tells an operator what happened.
"""

import json
import re
from collections.abc import Collection, Mapping

from pydantic import ValidationError

from shared.errors import NewerVersion, Permanent
from shared.events.base import Event
from shared.redis.scripts import flat

_VERSION = re.compile("[1-9][0-9]{0,8}")


def to_fields(
    event: Event, source: str, traceparent: str = "", *, without: Collection[str] = ()
) -> dict[str, str]:
    """Stream fields: type, v, id, src (the service that speaks), traceparent, data (JSON).

    `without` names what a script adds to the data, since only it knows.
    """
    data = event.model_dump(mode="json", exclude={"id", *without})
    return {
        "type": event.type,
        "v": str(event.v),
        "id": event.id,
        "src": source,
        "traceparent": traceparent,
        "data": json.dumps(data, ensure_ascii=False, separators=(",", ":")),
    }


def for_script(event: Event, source: str, *, without: Collection[str] = ()) -> str:
    """The event as `emit` of shared/redis/prelude.lua takes it: a flat JSON list, data last."""
    return json.dumps(flat(to_fields(event, source, without=without)), ensure_ascii=False)


def from_fields(cls: type[Event], fields: Mapping[str, str]) -> Event:
    """The typed event. Raises Permanent when the entry cannot be read as one.

    Raises NewerVersion, which is one, when it is of a newer version than `cls`.
    """
    version = version_of(fields)
    if version > cls.v:
        raise NewerVersion(f"{cls.type} is of version {version}, this replica knows {cls.v}")
    try:
        data = json.loads(fields["data"])
        return cls.model_validate({**data, "id": fields["id"]})
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        # The message may hold what the entry held: only the kind of fault is told.
        raise Permanent(f"unreadable {cls.type}: {type(error).__name__}") from error


def version_of(fields: Mapping[str, str]) -> int:
    """The version of an entry's event, from 1; an entry without one is of the first.

    Raises Permanent for anything that is no version.
    """
    text = fields.get("v", "1")
    if not _VERSION.fullmatch(text):
        raise Permanent("unreadable version of the event: a whole number from 1 expected")
    return int(text)
