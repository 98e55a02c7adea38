"""A profile out of what N8N, or a file, gave: what can be used is used, and the rest is named.

Left out is what the agent can do without: a language or a voice (then the settings' own serve), and
single translations, questions, lead fields and transfer keywords. Invalid, so that the last good
version stays, is what would make it another agent: the id of another one, a name, prompt, greeting
or fallback message that is not text or too long, and lists that are none, are too long or have
nothing in them that can be used.
"""

import copy
from typing import Any

from pydantic import ValidationError

from services.config.fetch_result import Failed, Found
from shared.profiles.model import Profile

Part = tuple[str | int, ...]  # where something is: ("translations", "ta-IN", "greeting")

_QUESTIONS = ("qualification_questions", "lead_fields")
_BRANCHES = {"constrained-str", "Question", "[key]"}  # pydantic's own steps within a location
_NAMED_AT_MOST = 3  # faults in one message


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
        profile, faults = _usable(_without_nulls(data) | {"id": agent_id})
    except ValidationError as error:
        return Failed(
            f"{where} gave an invalid profile of {agent_id!r}: {_listed(_faults(error))}",
            away=False,
        )
    if not faults:
        return Found(profile)
    what = f"{where} gave a profile of {agent_id!r} with parts that cannot be used"
    return Found(profile, left_out=f"{what}: {_listed(faults)}")


def _usable(data: dict[str, Any]) -> tuple[Profile, list[str]]:
    """The profile without what cannot be used, and what that is. Raises ValidationError."""
    faults: list[str] = []
    while True:
        try:
            return Profile.model_validate(data), faults
        except ValidationError as error:
            parts = [_part(fault["loc"]) for fault in error.errors()]
            usable = _without(data, [part for part in parts if part])
            if None in parts or any(data.get(name) and not usable[name] for name in _QUESTIONS):
                raise
            faults += _faults(error)
            data = usable


def _part(location: Part) -> Part | None:
    """The smallest part with a fault that a profile can do without; None: there is none."""
    match location:
        case ("language" | "voice", *_):
            return location[:1]
        case ("qualification_questions" | "lead_fields" | "transfer_keywords", int(), *_):
            return location[:2]
        case ("translations", str(), "qualification_questions", int(), *_):
            return location[:4]
        case ("translations", str(), "greeting" | "fallback_message", *_):
            return location[:3]
        case ("translations", str(), *_):
            return location[:2]
        case _:
            return None


def _without(data: dict[str, Any], parts: list[Part]) -> dict[str, Any]:
    """The same without these parts."""
    places_change = any(name in part for part in parts for name in _QUESTIONS)
    rest = _with_keys(data) if places_change else copy.deepcopy(data)
    for *way, last in sorted(parts, key=len, reverse=True):  # what is within others first
        holder: Any = rest
        for step in way:
            holder = holder[step]
        if isinstance(holder, dict):
            holder.pop(last, None)
        else:
            holder[last] = None  # the places of the others hold until all are marked
    for holder in (rest, *_dicts(rest.get("translations"))):
        for name, value in holder.items():
            if isinstance(value, list):
                holder[name] = [item for item in value if item is not None]
    return rest


def _with_keys(data: dict[str, Any]) -> dict[str, Any]:
    """A copy that names the key of each plain question: they go by their place, which may change.

    A translation's plain question that stands for none becomes None.
    """
    data = copy.deepcopy(data)
    own = _list(data, "qualification_questions")
    asked = [item.get("key") for item in _dicts(own)]
    for place, item in enumerate(own):
        if isinstance(item, str):
            own[place] = {"key": f"q{place + 1}", "question": item}
    keys = [item.get("key") if isinstance(item, dict) else None for item in own]
    keys += [
        field.get("key")
        for field in _dicts(_list(data, "lead_fields"))
        if field.get("question") and field.get("key") not in asked
    ]
    for translation in _dicts(data.get("translations")):
        words = _list(translation, "qualification_questions")
        for place, item in enumerate(words):
            if isinstance(item, str):
                key = keys[place] if place < len(keys) else None
                words[place] = key and {"key": key, "question": item}
    return data


def _list(data: dict[str, Any], name: str) -> list[Any]:
    value = data.get(name)
    return value if isinstance(value, list) else []


def _dicts(items: Any) -> list[dict[str, Any]]:
    """Those of a list, or of a dict's values, that are dicts."""
    values = items.values() if isinstance(items, dict) else items if isinstance(items, list) else ()
    return [item for item in values if isinstance(item, dict)]


def _without_nulls(value: Any) -> Any:
    """N8N's tables say null for an empty cell: that is an omitted field."""
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(each) for key, each in value.items() if each is not None}


def _faults(error: ValidationError) -> list[str]:
    """Field and reason of each fault, without the values: prose may hold anything."""
    reasons: dict[Part, str] = {}
    for fault in error.errors(include_url=False, include_input=False):
        place = tuple(step for step in fault["loc"] if step not in _BRANCHES)
        reasons[_part(place) or place] = f"{'.'.join(map(str, place))}: {fault['msg']}"
    return list(reasons.values())


def _listed(faults: list[str]) -> str:
    more = "; ..." if len(faults) > _NAMED_AT_MOST else ""
    return "; ".join(faults[:_NAMED_AT_MOST]) + more
