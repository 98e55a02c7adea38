"""The N8N stand-in answers as the shipped workflows do, and fails as a real n8n does."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from standardwebhooks import Webhook

from services.sandbox.n8n import N8nStandIn

Client = TestClient[Any, Any]
LEADS = "/webhook/lead-capture"
SECRET = f"whsec_{base64.b64encode(b'a secret of 24 characters').decode()}"


@pytest.fixture
async def n8n() -> N8nStandIn:
    return N8nStandIn(profiles={"clinic": {"id": "clinic", "language": "ta-IN"}}, delay_ms=0)


@pytest.fixture
async def client(n8n: N8nStandIn) -> AsyncIterator[Client]:
    async with TestClient(TestServer(n8n.app())) as client:
        yield client


def lead(revision: int = 1, lead_id: str = "L1", **more: Any) -> dict[str, Any]:
    data = {"lead_id": lead_id, "revision": revision, "complete": False, "name": "Asha", **more}
    return {"type": "lead.captured", "timestamp": "2026-11-22T10:15:30.123Z", "data": data}


async def post(client: Client, body: Any, path: str = LEADS, **headers: str) -> tuple[int, Any]:
    if isinstance(body, dict) and "webhook-id" not in headers and "data" in body:
        data = body["data"]
        headers["webhook-id"] = f"{data.get('lead_id')}.{data.get('revision')}"
    async with client.post(path, json=body, headers=headers) as response:
        text = await response.text()
        return response.status, json.loads(text) if text.startswith("{") else text


async def test_a_profile_is_answered_with_an_etag(client: Client) -> None:
    """The config service would fetch every profile whole, every minute."""
    path = "/webhook/agent-config?agent_id=clinic"
    async with client.get(path) as response:
        assert response.status == 200
        assert await response.json() == {"id": "clinic", "language": "ta-IN"}
        tag = response.headers["ETag"]
    async with client.get(path, headers={"If-None-Match": tag}) as response:
        assert response.status == 304
        assert await response.read() == b""


async def test_an_unknown_agent_is_told_from_an_unknown_webhook(client: Client) -> None:
    """A restart of n8n would look like a deleted agent."""
    async with client.get("/webhook/agent-config?agent_id=nobody") as response:
        assert response.status == 404
        assert await response.json() == {"error": "unknown_agent", "agent_id": "nobody"}
    for method, path in (
        ("GET", "/webhook/other"),
        ("GET", "/webhook-test/agent-config"),
        ("GET", LEADS),
    ):
        async with client.request(method, path) as response:
            assert response.status == 404
            body = await response.json()
            assert body["code"] == 404
            assert "not registered" in body["message"]


async def test_profiles_may_come_as_a_list_of_one() -> None:
    """n8n does so when the Respond node is set to all items."""
    n8n = N8nStandIn(profiles={"a": {"id": "a"}}, as_list=True, delay_ms=0)
    async with (
        TestClient(TestServer(n8n.app())) as client,
        client.get("/webhook/agent-config?agent_id=a") as response,
    ):
        assert await response.json() == [{"id": "a"}]


async def test_profiles_can_be_changed_while_it_runs(tmp_path: Path) -> None:
    """Nobody could see a profile change reach the agents."""
    (tmp_path / "a.json").write_text('{"id": "a", "name": "Old"}')
    n8n = N8nStandIn(profiles=tmp_path, delay_ms=0)
    async with TestClient(TestServer(n8n.app())) as client:
        url = "/webhook/agent-config?agent_id=a"
        assert (await (await client.get(url)).json())["name"] == "Old"
        (tmp_path / "a.json").write_text('{"id": "a", "name": "New"}')
        assert (await (await client.get(url)).json())["name"] == "New"
        await client.put("/sandbox/profiles/a", json={"id": "a", "name": "Newer"})
        assert (await (await client.get(url)).json())["name"] == "Newer"
        await client.delete("/sandbox/profiles/a")
        assert (await (await client.get(url)).json())["name"] == "New"


async def test_a_lead_is_upserted_by_revision(n8n: N8nStandIn, client: Client) -> None:
    """A lead would be counted twice, or an older revision would win."""
    first = {"status": "accepted", "lead_id": "L1", "revision": 1, "duplicate": False}
    assert await post(client, lead(1)) == (200, first)
    assert await post(client, lead(2, name="Asha Verma")) == (200, first | {"revision": 2})
    assert await post(client, lead(2)) == (200, first | {"revision": 2, "duplicate": True})
    assert await post(client, lead(1)) == (200, first | {"duplicate": True})
    async with client.get("/sandbox/leads") as response:
        shown = await response.json()
    assert shown["leads"]["L1"]["name"] == "Asha Verma"
    assert [row["recorded"] is not None for row in shown["received"]] == [True, True, False, False]
    assert all(row["acknowledged"] >= row["begun"] for row in shown["received"])


async def test_overlapping_posts_of_one_key_are_both_recorded(client: Client) -> None:
    """The judge of duplicates would be kinder than a real n8n."""
    await asyncio.gather(post(client, lead(1)), post(client, lead(1)))
    async with client.get("/sandbox/leads") as response:
        rows = (await response.json())["received"]
    assert [row["recorded"] is not None for row in rows] == [True, True]


async def test_the_workflow_goes_on_after_the_client_hung_up(
    n8n: N8nStandIn, client: Client
) -> None:
    """A retry after a time-out would look harmless, though n8n has recorded the first one."""
    n8n.update_settings({"SANDBOX_N8N_MS": 100})
    with pytest.raises(asyncio.TimeoutError):
        await client.post(LEADS, json=lead(1), timeout=aiohttp.ClientTimeout(total=0.03))
    [row] = n8n.records.received
    assert row.finished is None
    await n8n.idle()
    assert row.recorded is not None
    assert row.acknowledged is None


async def test_a_call_is_recorded(client: Client) -> None:
    """The post-call event would have no receiver."""
    body = {"type": "call.ended", "data": {"call_id": "C1", "how": "caller_hung_up"}}
    status, answer = await post(client, body, "/webhook/call-ended")
    assert (status, answer["status"], answer["duplicate"]) == (200, "accepted", False)
    async with client.get("/sandbox/calls") as response:
        assert (await response.json())["calls"]["C1"]["how"] == "caller_hung_up"


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"type": "other", "data": {}},
        lead(0),
        {"type": "lead.captured", "data": {"lead_id": "L1", "revision": 1}},
        lead(1, complete=True),
    ],
)
async def test_a_malformed_lead_is_rejected(client: Client, body: Any) -> None:
    """A sender's mistake would be acknowledged and lost."""
    status, answer = await post(client, body)
    assert status == 422
    assert answer["status"] == "rejected"
    assert answer["errors"]


async def test_malformed_json_is_n8ns_own_answer(client: Client) -> None:
    """The sender must not take it for a rejection by the workflow."""
    async with client.post(LEADS, data=b"{") as response:
        assert response.status == 422
        assert (await response.json())["message"] == "Failed to parse request body"


async def test_a_body_too_large_is_a_500(client: Client) -> None:
    """n8n says 500, not 413: a sender that waits for 413 would retry for days."""
    async with client.post(LEADS, data=io.BytesIO(bytes(16 * 1024 * 1024 + 1))) as response:
        assert response.status == 500


async def test_header_auth(client: Client) -> None:
    """A wrong token must be the plain 403 of n8n."""
    n8n = N8nStandIn(auth=("X-Token", "right"), delay_ms=0)
    async with TestClient(TestServer(n8n.app())) as guarded:
        assert await post(guarded, lead()) == (403, "Authorization data is wrong!")
        assert (await post(guarded, lead(), **{"X-Token": "right"}))[0] == 200


async def test_signatures_are_verified() -> None:
    """A wrongly signed lead would be acknowledged, and the mistake found in production only."""
    n8n = N8nStandIn(secret=SECRET, delay_ms=0)
    body = json.dumps(lead())
    moment = datetime.now(UTC)
    signature = Webhook(SECRET).sign("L1.1", moment, body)
    headers = {"webhook-id": "L1.1", "webhook-timestamp": str(int(moment.timestamp()))}
    async with TestClient(TestServer(n8n.app())) as client:
        for given, status in ((f"v1,AAAA {signature}", 200), ("v1,AAAA", 422), ("", 422)):
            signed = headers | {"webhook-signature": given}
            async with client.post(LEADS, data=body, headers=signed) as response:
                assert response.status == status


@pytest.mark.parametrize(
    ("kind", "status", "answer"),
    [
        ("500", 500, {"message": "Error in workflow"}),
        ("empty", 200, ""),
        ("started", 200, {"message": "Workflow was started"}),
        ("403", 403, "Authorization data is wrong!"),
        ("nonsense", 200, "<html>Bad gateway</html>"),
    ],
)
async def test_faults_answer_as_n8n_does(
    n8n: N8nStandIn, client: Client, kind: str, status: int, answer: Any
) -> None:
    """A row of the table of answers could not be tested."""
    n8n.set_faults([{"kind": kind, "count": 1}])
    assert await post(client, lead()) == (status, answer)
    assert n8n.records.leads == {}
    assert (await post(client, lead()))[1]["duplicate"] is False


@pytest.mark.parametrize(
    ("kind", "recorded"), [("reset", False), ("down", False), ("reset_after", True)]
)
async def test_a_cut_connection(n8n: N8nStandIn, client: Client, kind: str, recorded: bool) -> None:
    """A connection that dies before, or after, the lead was recorded could not be tested."""
    n8n.set_faults([{"kind": kind}])
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(client, lead())
    assert ("L1" in n8n.records.leads) is recorded


async def test_faults_are_drawn_by_ratio_and_seed(n8n: N8nStandIn, client: Client) -> None:
    """A chaos run could not be repeated."""

    async def run() -> list[int]:
        n8n.set_faults(
            [{"kind": "not_registered", "ratio": 0.3, "path": "lead-capture", "seed": 7}]
        )
        return [(await post(client, lead(number)))[0] for number in range(1, 31)]

    first, second = await run(), await run()
    assert first == second
    assert 3 <= first.count(404) <= 15
    async with client.get("/webhook/agent-config?agent_id=clinic") as response:
        assert response.status == 200
