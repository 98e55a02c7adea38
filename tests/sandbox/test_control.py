"""The control port: latencies and faults of the stand-ins, while they run."""

from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.sandbox.control import Control


class Fake:
    def __init__(self, name: str) -> None:
        self.name, self.value, self.active = name, 5, list[dict[str, Any]]()

    def settings(self) -> dict[str, Any]:
        return {self.name: self.value}

    def update_settings(self, settings: Mapping[str, Any], /) -> None:
        value = settings.get(self.name, self.value)
        if not isinstance(value, int):
            raise ValueError(f"{self.name}: found {value!r}, expected a number")
        self.value = value

    def faults(self) -> list[dict[str, Any]]:
        return self.active

    def set_faults(self, faults: list[dict[str, Any]], /) -> None:
        if any("kind" not in fault for fault in faults):
            raise ValueError("fault kind: Field required")
        self.active = faults


@pytest.fixture
async def client() -> Any:
    app = web.Application()
    app.add_routes(Control({"llm": Fake("LLM_MS"), "n8n": Fake("N8N_MS")}).routes())
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_settings_change_and_read_back(client: TestClient[Any, Any]) -> None:
    answer = await client.put("/settings", json={"N8N_MS": 70})
    assert await answer.json() == {"LLM_MS": 5, "N8N_MS": 70}


async def test_nothing_is_half_done(client: TestClient[Any, Any]) -> None:
    """One wrong value of two: a measurement must not run with the other one changed."""
    answer = await client.put("/settings", json={"LLM_MS": 9, "N8N_MS": "fast"})
    assert answer.status == 422
    assert "N8N_MS" in (await answer.json())["error"]["message"]
    assert await (await client.get("/settings")).json() == {"LLM_MS": 5, "N8N_MS": 5}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/settings", '{"X": 1}', "no such setting: X"),
        ("/faults", '{"x": []}', "no such stand-in: x"),
        ("/faults", '{"llm": {}}', "expected a list"),
        ("/faults", '{"llm": [{}]}', "Field required"),
        ("/faults", "[]", "expected a JSON object"),
        ("/faults", "{", "not JSON"),
    ],
)
async def test_wrong_wishes_are_refused(
    client: TestClient[Any, Any], path: str, body: str, said: str
) -> None:
    answer = await client.put(path, data=body)
    assert answer.status == 422
    assert said in (await answer.json())["error"]["message"]


async def test_faults_are_replaced_per_stand_in(client: TestClient[Any, Any]) -> None:
    await client.put("/faults", json={"llm": [{"kind": "429"}]})
    await client.put("/faults", json={"n8n": [{"kind": "500"}]})
    faults = await (await client.get("/faults")).json()
    assert faults == {"llm": [{"kind": "429"}], "n8n": [{"kind": "500"}]}
