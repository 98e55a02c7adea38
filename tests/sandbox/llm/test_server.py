"""The scripted LLM on the wire, read by the client that agents use."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from aiohttp.test_utils import TestServer

from services.sandbox.llm import LlmStandIn
from services.sandbox.llm.dialogue import Reply, ToolInvocation
from services.sandbox.llm.stream import Completion, tokens
from tests.sandbox.llm.talk import Talk, block, tools

Client = openai.AsyncOpenAI
TOOLS: Any = tools()


@pytest.fixture
async def llm() -> LlmStandIn:
    return LlmStandIn(first_token_ms=0, tokens_per_second=10_000)


@pytest.fixture
async def url(llm: LlmStandIn) -> AsyncIterator[str]:
    server = TestServer(llm.app())
    await server.start_server()
    yield str(server.make_url("/v1"))
    await server.close()


@pytest.fixture
async def client(url: str) -> AsyncIterator[Client]:
    async with Client(base_url=url, api_key="sandbox", max_retries=0) as client:
        yield client


def messages(said: str) -> Any:
    talk = Talk(block())
    talk.agent()
    return [*talk.messages, {"role": "user", "content": said}]


async def test_a_stream_carries_text_then_tool_calls_then_usage(client: Client) -> None:
    """Agents assemble tool calls from these pieces; a wrong order loses leads."""
    stream = await client.chat.completions.create(
        model="scripted",
        messages=messages("I'm Asha, 98765 43210"),
        tools=TOOLS,
        stream=True,
        stream_options={"include_usage": True},
    )
    text, calls, finish, usage = "", dict[int, list[str]](), None, None
    async for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
            for piece in choice.delta.tool_calls or ():
                assert piece.function is not None
                if piece.index not in calls:
                    assert piece.id
                    calls[piece.index] = [piece.function.name or "", ""]
                calls[piece.index][1] += piece.function.arguments or ""
    assert text == "Okay, thank you."
    assert [(name, json.loads(arguments)) for name, arguments in calls.values()] == [
        ("save_lead", {"field": "phone", "value": "9876543210"}),
        ("save_lead", {"field": "name", "value": "Asha"}),
    ]
    assert finish == "tool_calls"
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


async def test_an_answer_without_a_stream_is_the_same(client: Client) -> None:
    """Clients that do not stream would get something else."""
    answer = await client.chat.completions.create(
        model="scripted",
        messages=messages("Asha"),
        tools=TOOLS,
    )
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "Okay, thank you."
    [call] = choice.message.tool_calls or []
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"field": "name", "value": "Asha"}


async def test_models_are_listed(client: Client) -> None:
    """The agent's prewarm and health check ask for them."""
    assert [model.id async for model in await client.models.list()] == ["scripted"]


async def test_a_wrong_key_is_refused(url: str) -> None:
    """A wrong key could not be tried in the sandbox."""
    async with Client(base_url=url, api_key="invalid-key", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            await client.models.list()
    assert caught.value.code == "invalid_api_key"


async def test_a_retired_model_is_not_found(client: Client) -> None:
    """What Groq answers for a retired model could not be tried in the sandbox."""
    with pytest.raises(openai.NotFoundError) as caught:
        await client.chat.completions.create(
            model="llama-3.3-70b-versatile", messages=messages("hi")
        )
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("429", openai.RateLimitError),
        ("500", openai.InternalServerError),
        ("failed_generation", openai.BadRequestError),
    ],
)
async def test_a_fault_strikes_as_often_as_it_was_ordered(
    llm: LlmStandIn, client: Client, kind: str, error: type[openai.APIStatusError]
) -> None:
    """Fallbacks could not be tried, or the sandbox would stay broken."""
    llm.set_faults([{"kind": kind, "count": 1}])
    with pytest.raises(error):
        await client.chat.completions.create(model="scripted", messages=messages("Asha"))
    await client.chat.completions.create(model="scripted", messages=messages("Asha"))


async def test_bad_tool_arguments_are_no_json(llm: LlmStandIn, client: Client) -> None:
    """How the agent takes broken arguments could not be tried."""
    llm.set_faults([{"kind": "bad_arguments"}])
    answer = await client.chat.completions.create(
        model="scripted",
        messages=messages("Asha"),
        tools=TOOLS,
    )
    [call] = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(call.function.arguments)


async def test_a_dropped_stream_ends_in_the_middle(llm: LlmStandIn, client: Client) -> None:
    """A provider that breaks off could not be tried."""
    llm.set_faults([{"kind": "drop"}])
    stream = await client.chat.completions.create(
        model="scripted", messages=messages("hello"), stream=True
    )
    with pytest.raises(Exception, match=r".") as caught:
        _ = [chunk async for chunk in stream]
    assert isinstance(caught.value, openai.APIError) or "peer closed" in str(caught.value)


async def test_the_pace_is_a_setting_while_it_runs(llm: LlmStandIn, client: Client) -> None:
    """Latency figures would stand for other times than those that were set."""
    llm.update_settings({"SANDBOX_LLM_MS": 120, "SANDBOX_LLM_TPS": 50, "SANDBOX_N8N_MS": 1})
    assert llm.settings() == {"SANDBOX_LLM_MS": 120, "SANDBOX_LLM_TPS": 50}
    clock = asyncio.get_running_loop().time
    begun = clock()
    stream = await client.chat.completions.create(
        model="scripted", messages=messages("hello"), stream=True
    )
    times = [clock() - begun async for _ in stream]
    assert times[0] >= 0.12
    assert times[-1] - times[0] >= (len(times) - 2) / 50


@pytest.mark.parametrize("wrong", ["fast", -1, True, None])
def test_a_wrong_setting_changes_nothing(llm: LlmStandIn, wrong: object) -> None:
    """A typing mistake would leave the sandbox half changed."""
    before = llm.settings()
    with pytest.raises(ValueError, match="SANDBOX_LLM_TPS"):
        llm.update_settings({"SANDBOX_LLM_MS": 5, "SANDBOX_LLM_TPS": wrong})
    assert llm.settings() == before


def test_an_unknown_fault_is_named(llm: LlmStandIn) -> None:
    """A fault with a typing mistake would silently never strike."""
    with pytest.raises(ValueError, match="kaboom"):
        llm.set_faults([{"kind": "kaboom"}])


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"model": "m", "messages": "hi"}'])
async def test_nonsense_is_a_bad_request(url: str, client: Client, body: bytes) -> None:
    """A malformed request would be a traceback."""
    with pytest.raises(openai.BadRequestError):
        await client.post("/chat/completions", cast_to=object, options={}, content=body)


def test_tokens_join_to_the_text_again() -> None:
    """Spoken sentences would lose letters."""
    text = "நல்லது, நன்றி.  Two  spaces"
    assert "".join(tokens(text)) == text
    reply = Reply("", (ToolInvocation("end_call", {}),))
    chunks = Completion(reply, model="m", created=0, number=1, prompt=[])
    assert next(chunks.deltas())["role"] == "assistant"
