"""end_call(reason): ends the call once goodbye is said."""

from typing import Annotated, Any

from livekit.agents import RunContext, StopResponse
from loguru import logger
from pydantic import BeforeValidator, Field

from services.agent.tools.tool import Arguments, Tool, ToolContext

REASONS = ("lead_complete", "caller_done", "transfer", "refused")
OTHER = "other"


class EndCallArguments(Arguments):
    # Only for the log: a call must not go on because the model gave another reason, or none.
    reason: Annotated[str, BeforeValidator(lambda given: given if given in REASONS else OTHER)] = (
        Field(OTHER, description="why", json_schema_extra={"enum": list(REASONS)})
    )


class EndCall(Tool[EndCallArguments]):
    name = "end_call"
    description = (
        "Ends the call, once goodbye is said. Call it when everything is noted and the caller has"
        " no more questions, or when the caller wants to stop."
    )
    rules = """\
- When everything required is known and the caller has no more questions, thank them, say goodbye,
  and call end_call in the same message. Call it, too, when the caller says goodbye or asks you to
  stop.
"""
    position = 20
    arguments = EndCallArguments

    async def run(
        self, arguments: EndCallArguments, context: ToolContext, run: RunContext[Any], /
    ) -> str:
        logger.info("the agent ends the call: {}", arguments.reason)
        if context.dialogue.end_after(run.speech_handle):
            raise StopResponse
        return "The call ends after your next sentence: thank the caller and say goodbye."


TOOL = EndCall()
