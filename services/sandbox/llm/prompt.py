"""What the scripted LLM knows: the JSON block in the system prompt and the schemas of the tools.

It reads no prose. The block is the first fenced ```json block whose object holds "bolchaal".
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.sandbox.scenarios.text import nfc
from shared.locales.model import UNKNOWN

_FENCE = re.compile(r"```json\s*\n(.*?)```", re.DOTALL)


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class AskedField(_Read):
    """One field that the agent is to find out."""

    key: str
    question: str = ""
    required: bool = True
    type: str = "string"
    options: tuple[str, ...] = ()


class Block(_Read):
    """The facts of a call, as the agent service writes them into the system prompt."""

    bolchaal: int = 1
    language: str = UNKNOWN
    profile_language: str | None = None
    agent: str = ""
    fields: tuple[AskedField, ...] = ()
    collected: dict[str, Any] = Field(default_factory=dict)
    greeting: str | None = None
    fallback_message: str | None = None
    transfer_keywords: tuple[str, ...] = ()

    def field(self, key: str) -> AskedField | None:
        return next((field for field in self.fields if field.key == key), None)


def read_block(messages: Sequence[dict[str, Any]]) -> Block | None:
    """The last valid block in the system messages; None when there is none."""
    for message in reversed(messages):
        if message.get("role") not in ("system", "developer"):
            continue
        for match in reversed(_FENCE.findall(content(message))):
            try:
                data = json.loads(nfc(match))
                if isinstance(data, dict) and "bolchaal" in data:
                    return Block.model_validate(data)
            except (ValueError, ValidationError):
                continue
    return None


def content(message: dict[str, Any]) -> str:
    """The text of a message, whose content may be a string or a list of parts."""
    value = message.get("content")
    if isinstance(value, list):
        value = "\n".join(str(part.get("text", "")) for part in value if isinstance(part, dict))
    return nfc(str(value or ""))


class Tool:
    """One function that may be called, by its JSON schema."""

    def __init__(self, declaration: dict[str, Any]) -> None:
        function = declaration.get("function", declaration)
        self.name = str(function.get("name", ""))
        parameters = function.get("parameters") or {}
        self.properties: dict[str, Any] = parameters.get("properties") or {}
        self.required: list[str] = list(parameters.get("required") or [])

    def allowed(self, name: str) -> list[str] | None:
        """The values that a parameter may have; None when every value will do."""
        schema = self.properties.get(name) or {}
        for each in (schema, *(schema.get("anyOf") or ())):
            if isinstance(each.get("enum"), list):
                return [str(value) for value in each["enum"]]
        return None


class Toolbox:
    """The tools of a request, found by name or by the shape of their parameters."""

    def __init__(self, declarations: Sequence[dict[str, Any]] | None) -> None:
        self.tools = [Tool(each) for each in declarations or ()]

    def save(self) -> Tool | None:
        """The tool that notes a field."""
        return self._named("save_lead") or next(
            (tool for tool in self.tools if {"field", "value"} <= set(tool.properties)), None
        )

    def end(self) -> Tool | None:
        """The tool that ends the call."""
        return self._named("end_call") or self._named("hang_up")

    def transfer(self) -> Tool | None:
        """The tool that hands the call to a person."""
        return self._named("transfer_call") or self._named("transfer")

    def _named(self, name: str) -> Tool | None:
        return next((tool for tool in self.tools if tool.name == name), None)


def save_arguments(tool: Tool, values: dict[str, str]) -> list[dict[str, Any]]:
    """Arguments of the calls that note `values`: one call a field, or one for all of them.

    Fields that the schema does not allow are left out.
    """
    if {"field", "value"} <= set(tool.properties):
        allowed = tool.allowed("field")
        return [
            {"field": key, "value": value}
            for key, value in values.items()
            if allowed is None or key in allowed
        ]
    known = {key: value for key, value in values.items() if key in tool.properties}
    return [known] if known else []


def end_arguments(tool: Tool, reason: str) -> dict[str, Any]:
    """Arguments of the call that ends the call, as far as the schema has a place for them."""
    arguments: dict[str, Any] = {}
    for name in tool.properties:
        allowed = tool.allowed(name)
        if allowed:
            arguments[name] = reason if reason in allowed else allowed[0]
        elif name in tool.required or name == "reason":
            arguments[name] = reason
    return arguments
