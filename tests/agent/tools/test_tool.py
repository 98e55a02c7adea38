"""What every tool has: typed arguments, sentences for the model, a line in the call's log."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, cast

import pytest
from livekit.agents import RunContext, StopResponse, ToolError
from pydantic import Field

from services.agent.tools.tool import Arguments, Tool, ToolContext
from shared.calls.log import ToolCall
from shared.errors import Invalid, Unavailable


class BookVisitArguments(Arguments):
    day: str = Field(description="the day")
    people: int = Field(1, description="how many come")
    part: Literal["morning", "evening"] = Field("morning", description="when")


class BookVisit(Tool[BookVisitArguments]):
    """As a made-up module would have it."""

    name = "book_visit"
    description = "Books a visit."
    arguments = BookVisitArguments

    def __init__(self, answer: str | Exception = "booked") -> None:
        self.answer = answer
        self.given: list[BookVisitArguments] = []

    async def run(
        self, arguments: BookVisitArguments, _: ToolContext, __: RunContext[Any], /
    ) -> str:
        self.given.append(arguments)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Rig:
    def __init__(self, tool: BookVisit) -> None:
        self.log: list[ToolCall] = []
        nothing = cast("Any", None)
        self.bound: Any = tool.bind(ToolContext(nothing, nothing, self.log.append))

    async def call(self, **arguments: Any) -> str:
        run: Callable[..., Awaitable[str]] = self.bound
        return await run(arguments, cast("Any", None))


def test_the_schema_is_that_of_the_arguments() -> None:
    """What the model is told is what the code takes, said once."""
    assert Rig(BookVisit()).bound.info.raw_schema == {
        "name": "book_visit",
        "description": "Books a visit.",
        "parameters": {
            "type": "object",
            "properties": {
                "day": {"type": "string", "description": "the day"},
                "people": {"type": "integer", "description": "how many come"},
                "part": {
                    "type": "string",
                    "enum": ["morning", "evening"],
                    "description": "when",
                },
            },
            "required": ["day", "people", "part"],
            "additionalProperties": False,
        },
    }


async def test_the_work_is_given_typed_arguments() -> None:
    tool = BookVisit()
    rig = Rig(tool)
    assert await rig.call(day="Monday", people=2, noise="ignored") == "booked"
    assert tool.given == [BookVisitArguments(day="Monday", people=2, part="morning")]
    assert rig.log == [ToolCall(name="book_visit")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"day": None}, "day must be text, not null"),
        ({"day": 5}, "day must be text, not a number"),
        ({"day": True}, "day must be text, not true or false"),
        ({"day": ["Monday"]}, "day must be text, not a list"),
        ({"day": {"a": 1}}, "day must be text, not an object"),
        ({}, "day is missing"),
        ({"day": "Monday", "people": "2"}, "people must be a valid integer, not this"),
        ({"day": "Monday", "part": "noon"}, "part must be 'morning' or 'evening'"),
    ],
)
async def test_wrong_arguments_are_refused_with_a_sentence(
    arguments: dict[str, Any], said: str
) -> None:
    """A model that is told what is wrong does it right the second time."""
    tool = BookVisit()
    rig = Rig(tool)
    with pytest.raises(ToolError, match="error: ") as refused:
        await rig.call(**arguments)
    assert said in refused.value.message
    assert tool.given == []
    assert rig.log == [ToolCall(name="book_visit", ok=False, error="bad_arguments")]


@pytest.mark.parametrize(
    ("error", "said", "code"),
    [
        (Invalid("no such day", code="no_day"), "error: no such day", "no_day"),
        (Unavailable("try later", retry_after=1, code="away"), "try later", "away"),
    ],
)
async def test_what_goes_wrong_reaches_the_model_and_the_log(
    error: Exception, said: str, code: str
) -> None:
    rig = Rig(BookVisit(error))
    with pytest.raises(ToolError) as refused:
        await rig.call(day="Monday")
    assert refused.value.message == said
    assert rig.log == [ToolCall(name="book_visit", ok=False, error=code)]


async def test_a_tool_that_leaves_nothing_to_say_has_worked() -> None:
    rig = Rig(BookVisit(StopResponse()))
    with pytest.raises(StopResponse):
        await rig.call(day="Monday")
    assert rig.log == [ToolCall(name="book_visit")]
