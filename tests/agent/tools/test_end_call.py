"""end_call: ends the call whatever the model gives as a reason."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from livekit.agents import StopResponse

from services.agent.tools.end_call import TOOL
from services.agent.tools.tool import ToolContext
from shared.calls.log import ToolCall


@dataclass
class Dialogue:
    said: bool
    ended: list[object] = field(default_factory=list)

    def end_after(self, speech: object) -> bool:
        self.ended.append(speech)
        return self.said


@dataclass
class Run:
    speech_handle: str = "goodbye"


def bound(dialogue: Dialogue, log: list[ToolCall]) -> Any:
    return TOOL.bind(ToolContext(cast("Any", None), cast("Any", dialogue), log.append))


@pytest.mark.parametrize(
    "arguments",
    [{"reason": "caller_done"}, {"reason": "because"}, {"reason": None}, {"reason": [1]}, {}],
)
async def test_a_call_ends_for_any_reason(arguments: dict[str, Any]) -> None:
    """A model that makes up a reason must not hold the caller on the line."""
    dialogue, log = Dialogue(said=False), list[ToolCall]()
    answer = await bound(dialogue, log)(arguments, Run())
    assert "say goodbye" in answer
    assert dialogue.ended == ["goodbye"]
    assert log == [ToolCall(name="end_call")]


async def test_goodbye_is_said_once() -> None:
    with pytest.raises(StopResponse):
        await bound(Dialogue(said=True), [])({"reason": "caller_done"}, Run())
