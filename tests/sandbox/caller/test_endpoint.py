"""The page's simulated caller over HTTP."""

import base64
import io
import json
import wave
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.sandbox.caller import CallerEndpoint
from services.sandbox.scenarios import scenario

Client = TestClient[Any, Any]


async def speak(text: str, language: str) -> bytes:
    """A WAV of 100 ms; the real one is tested with the speech stand-in."""
    assert text
    assert language
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(bytes(9_600))
    return out.getvalue()


async def profile(request: web.Request) -> web.Response:
    if request.match_info["agent_id"] != "school":
        error = {"error": {"code": "unknown_agent", "message": "no agent"}}
        return web.json_response(error, status=404)
    assert request.headers["Authorization"] == "Bearer key"
    return web.json_response({"id": "school", "qualification_questions": ["Which course?"]})


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    gateway_app = web.Application()
    gateway_app.router.add_get("/api/config/{agent_id}", profile)
    gateway = TestServer(gateway_app)
    await gateway.start_server()
    endpoint = CallerEndpoint(speak=speak, gateway_url=str(gateway.make_url("/")), api_key="key")
    async with TestClient(TestServer(endpoint.app())) as client:
        yield client
    await gateway.close()


async def ask(client: Client, **body: Any) -> tuple[int, dict[str, Any]]:
    async with client.post("/next", json=body) as response:
        return response.status, await response.json()


async def test_the_next_utterance_comes_as_text_and_speech(client: Client) -> None:
    """The page could not let the caller speak."""
    answers = scenario("real-estate", "ta-IN").answers
    status, said = await ask(
        client,
        scenario="real-estate",
        language="ta-IN",
        agent_said=["வணக்கம்! உங்கள் பெயர் என்ன?"],
        caller_said=[],
    )
    assert status == 200
    assert (said["text"], said["field"], said["done"]) == (answers["name"].say, "name", False)
    assert said["duration_ms"] == 100
    assert base64.b64decode(said["wav"]).startswith(b"RIFF")


async def test_nothing_more_to_say(client: Client) -> None:
    """The page would wait for ever."""
    everything = [each.say for each in scenario("real-estate", "en-IN").answers.values()]
    body = {"scenario": "real-estate", "language": "en-IN", "agent_said": ["Goodbye!"]}
    status, said = await ask(client, **body, caller_said=everything)
    assert (status, said["done"], said["text"], said["wav"]) == (200, True, None, None)


async def test_other_profiles_are_read_from_the_gateway(client: Client) -> None:
    """Only the built-in agent could be tried from the page."""
    body = {"agent_id": "school", "language": "en-IN", "call_id": "c1"}
    status, said = await ask(client, **body, agent_said=["Hello. Which course?"])
    assert (status, said["field"]) == (200, "q1")
    questions = [{"key": "q1", "question": "Which city?"}]
    status, said = await ask(client, **body, questions=questions, agent_said=["Which city?"])
    assert (status, said["field"]) == (200, "q1")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"language": "fr-FR"}, 422),
        ({"scenario": "nothing"}, 422),
        ({"agent_said": "hello"}, 422),
        ({"agent_id": "nobody"}, 502),
    ],
)
async def test_bad_input_has_one_shape(client: Client, body: dict[str, Any], status: int) -> None:
    """The page could not say what is wrong."""
    found, answer = await ask(client, **body)
    assert found == status
    assert set(answer["error"]) == {"code", "message"}


async def test_only_pages_of_this_machine_may_ask(client: Client) -> None:
    """Any site in the browser could make the sandbox speak."""
    for origin, allowed in (
        ("http://localhost:3000", True),
        ("http://127.0.0.1:3000", True),
        ("https://evil.example", False),
        ("http://localhost.evil.example", False),
    ):
        async with client.options("/next", headers={"Origin": origin}) as response:
            assert response.status == 204
            assert ("Access-Control-Allow-Origin" in response.headers) is allowed
    async with client.post("/next", data=b"{", headers={"Origin": "http://localhost:1"}) as answer:
        assert answer.status == 422
        assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:1"
        assert "error" in json.loads(await answer.text())
