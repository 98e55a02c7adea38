"""save_lead: what the model may give as a value."""

from typing import Any, cast

import pytest
from livekit.agents import ToolError
from redis.asyncio import Redis

from services.agent.tools.save_lead import TOOL
from services.agent.tools.tool import ToolContext
from shared.calls.log import ToolCall
from shared.leads import Leads
from tests.agent.lead.test_recorder import recorder_of


class Rig:
    """The tool in a call; `call` is what the model does."""

    last_source = "caller"

    def __init__(self, context: ToolContext) -> None:
        self.context = context
        self.bound: Any = TOOL.bind(context)

    async def call(self, field: Any, value: Any) -> str:
        return str(await self.bound({"field": field, "value": value}, cast("Any", None)))


@pytest.fixture
def log() -> list[ToolCall]:
    return []


@pytest.fixture
async def rig(redis: Redis, redis_url: str, log: list[ToolCall]) -> Rig:
    recorder = await recorder_of(redis, redis_url)
    return Rig(ToolContext(recorder, cast("Any", Rig), log.append))


async def test_a_value_is_noted(redis: Redis, rig: Rig, log: list[ToolCall]) -> None:
    assert await rig.call("phone", "98765 43210") == "saved"
    [lead] = await Leads(redis, source="test").latest()
    assert lead.values == {"phone": "+919876543210"}
    assert log == [ToolCall(name="save_lead", fields=("phone",))]


@pytest.mark.parametrize("field", ["name", "phone", "budget", "email", "pet_name"])
@pytest.mark.parametrize("value", [None, 5, 9876543210, 1.5, True, ["a"], [], {"a": 1}, {}])
async def test_what_is_no_text_is_no_value(
    redis: Redis, rig: Rig, log: list[ToolCall], field: str, value: Any
) -> None:
    """ "None" as a name makes a lead complete that nobody can call back."""
    with pytest.raises(ToolError, match=r"value must be text, not .*what the caller said"):
        await rig.call(field, value)
    assert await Leads(redis, source="test").latest() == []
    assert log == [ToolCall(name="save_lead", ok=False, error="bad_arguments")]


@pytest.mark.parametrize("value", ["unknown", "N/A", "not provided", "[name]", "-", "null"])
async def test_a_stand_in_word_is_no_value(
    redis: Redis, rig: Rig, log: list[ToolCall], value: str
) -> None:
    """The same, in the model's own words."""
    for field in ("name", "budget"):
        with pytest.raises(ToolError, match=r"no value for .*ask for it"):
            await rig.call(field, value)
    assert await Leads(redis, source="test").latest() == []
    assert [entry.error for entry in log] == ["placeholder", "placeholder"]


async def test_an_unknown_field_is_answered_with_those_that_there_are(
    rig: Rig, log: list[ToolCall]
) -> None:
    with pytest.raises(ToolError, match="no field 'Not A Key!'; the fields are name, phone"):
        await rig.call("Not A Key!", "x")
    assert log == [ToolCall(name="save_lead", ok=False, error="unknown_field")]


async def test_nothing_at_all_is_asked_for(rig: Rig) -> None:
    with pytest.raises(ToolError, match="no value for name: ask for it"):
        await rig.call("name", "  ")
