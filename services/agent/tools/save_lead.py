"""save_lead(field, value): notes one thing that the caller has said."""

from typing import Any

from livekit.agents import RunContext
from pydantic import Field

from services.agent.tools.tool import Arguments, Tool, ToolContext
from shared.errors import Invalid


class SaveLeadArguments(Arguments):
    field: str = Field("", description="the key of the field")
    value: str = Field(
        "",
        description="what the caller said for it, in their own words and script; a phone number in"
        " digits",
    )


class SaveLead(Tool[SaveLeadArguments]):
    name = "save_lead"
    description = (
        "Notes one thing that the caller has said. Call it as soon as it is said, once for each"
        " field; call it again when the caller corrects themselves."
    )
    # The second rule holds for every tool: it stands here since this one is called in every turn.
    rules = """\
- As soon as the caller gives a value, call save_lead with the field's key and what they said, also
  when they give several at once, or correct an earlier one. Never tell the caller that something
  is noted before the tool has answered. When it answers with an error, ask again.
- Say a few words in the same message in which you call a tool, so that the caller is not left in
  silence.
- A value is what the caller said, in their words and script, without the words around it; a phone
  number is digits only. Never make a value up.
"""
    advice = "give what the caller said, as text; what they have not said, ask for"
    position = 10
    arguments = SaveLeadArguments

    def properties(self, context: ToolContext, /) -> dict[str, dict[str, Any]]:
        properties = super().properties(context)
        properties["field"]["enum"] = context.recorder.keys
        if formats := context.recorder.formats():
            properties["value"]["description"] += f"; {formats}"
        return properties

    def fields(self, arguments: SaveLeadArguments, context: ToolContext, /) -> tuple[str, ...]:
        return (arguments.field,) if context.recorder.knows(arguments.field) else ()

    async def run(
        self, arguments: SaveLeadArguments, context: ToolContext, _: RunContext[Any], /
    ) -> str:
        key, recorder = arguments.field, context.recorder
        if not recorder.takes(key):
            raise Invalid(
                f"no field {key[:40]!r}; the fields are {', '.join(recorder.keys)}",
                code="unknown_field",
            )
        await recorder.save(key, arguments.value, context.dialogue.last_source)
        return "saved"


TOOL = SaveLead()
