"""The API's answers, field by field, as they were before its models were written.

Each answer lies in answers/. After a change that is meant, delete the file and run the test twice.
"""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from shared.calls import Calls
from shared.calls.log import AgentState, CallLog, CallNotice, Turn
from shared.deliveries import LEAD_CAPTURE
from shared.deliveries.model import Attempt
from shared.leads import LeadChange, Leads
from shared.profiles import Profile
from shared.redis import keys
from tests.gateway.conftest import Gateways
from tests.shared.builders import lead_context, new_call

FOLDER = Path(__file__).with_name("answers")
CALL = "0199b3a0-1111-7000-8000-000000000001"
LEAD = "0199b3a0-2222-7000-8000-000000000002"
NEW_LEAD = "0199b3a0-3333-7000-8000-000000000003"
NOBODYS = "0199b3a0-0000-7000-8000-000000000000"
KEY = "a-key-for-operators"
OPERATOR = {"Authorization": f"Bearer {KEY}"}
PROFILE = Profile(id="school", name="School", voice="priya", language="hi-IN")
# Times, ids of log entries, and what is made of the profile.
WANDERING = re.compile(
    r'\d{4}-\d\d-\d\dT[\d:.]+Z|\b1[78]\d{11}(-\d+)?\b|(?<="duration_ms": )\d+'
    r'|(?<="profile_version": ")\w+'
)


def sorted_sources(answer: dict[str, Any]) -> dict[str, Any]:
    """The fields of a Redis hash come in any order."""
    if "sources" in answer:
        answer["sources"] = dict(sorted(answer["sources"].items()))
    return answer


@pytest.fixture
async def records(redis: Redis) -> None:
    """A call that is over with its log, its lead with a dead delivery, and a lead of yesterday."""
    calls, log, leads = Calls(redis, source="t"), CallLog(redis), Leads(redis, source="t")
    call = new_call(id=CALL, lead_id=LEAD, language="ta-IN", user_name="Asha", profile=PROFILE)
    await calls.open(call)
    await calls.joined(CALL)
    await calls.take(CALL, "agent-1")
    await log.append(CALL, AgentState(state="listening"))
    await log.append(CALL, CallNotice(level="info", code="voice_replaced", text="another voice"))
    await log.append(CALL, Turn(who="agent", text="வணக்கம்", language="ta-IN"))
    said = {"name": "Asha", "budget": 5_000, "colour": ["red"]}
    changes = [
        LeadChange(field=key, value=value, attempt=1, sequence=n, known=key != "colour")
        for n, (key, value) in enumerate(said.items())
    ]
    await leads.apply(lead_context(call), changes)
    await calls.end(await calls.get(CALL), "caller_hung_up")
    fields: dict[Any, Any] = {"wanted": "1", "1:state": "dead", "1:tries": "9", "call_id": CALL}
    await redis.hset(keys.delivery(LEAD_CAPTURE, LEAD), mapping=fields)
    await redis.zadd(keys.deliveries_dead(LEAD_CAPTURE), {f"{LEAD}.1": 1})
    await redis.zadd(keys.deliveries_index(LEAD_CAPTURE), {LEAD: 1})
    answered = Attempt(revision=1, attempt=1, at_ms=1, status=500, outcome="retry", answer="oops")
    broke = Attempt(revision=1, attempt=2, at_ms=2, outcome="dead", why="no answer")
    attempts = [each.model_dump_json() for each in (answered, broke)]
    await redis.rpush(keys.delivery_attempts(LEAD_CAPTURE, LEAD), *attempts)
    other = lead_context(new_call(id=CALL, lead_id=NEW_LEAD, profile=PROFILE))
    await leads.apply(other, [LeadChange(field="phone", value="98", attempt=1, sequence=1)])


@pytest.mark.parametrize(
    ("name", "method", "path"),
    [
        ("leads", "GET", "/api/v1/leads"),
        ("leads-dead", "GET", "/api/v1/leads?state=dead"),
        ("lead", "GET", f"/api/v1/leads/{LEAD}"),
        ("lead-without-delivery", "GET", f"/api/v1/leads/{NEW_LEAD}"),
        ("replay", "POST", f"/api/v1/leads/{LEAD}/replay"),
        ("lead-unknown", "GET", f"/api/v1/leads/{NOBODYS}"),
        ("lead-malformed", "GET", "/api/v1/leads/no-uuid"),
        ("lead-upper-case", "GET", f"/api/v1/leads/{LEAD.replace('8000', 'A000')}"),
        ("replay-malformed", "POST", "/api/v1/leads/no'uuid/replay"),
        ("calls", "GET", "/api/v1/calls"),
        ("call", "GET", f"/api/v1/calls/{CALL}"),
        ("call-unknown", "GET", f"/api/v1/calls/{NOBODYS}"),
        ("call-malformed", "GET", "/api/v1/calls/no-uuid"),
        ("call-events-malformed", "GET", "/api/v1/calls/%7B%7D/events"),
        ("details", "GET", f"/api/calls/{CALL}"),
        ("details-unknown", "GET", f"/api/calls/{NOBODYS}"),
        ("details-malformed", "GET", "/api/calls/no-uuid"),
        ("profile-malformed", "GET", "/api/config/no%20id"),
        ("invalidate-malformed", "POST", "/api/invalidate-cache?agent_id=.x"),
    ],
)
@pytest.mark.usefixtures("records")
async def test_an_answer_is_what_it_was(
    gateways: Gateways, name: str, method: str, path: str
) -> None:
    """The console, pages of users and their scripts read these."""
    client = await gateways(gateway_api_key=KEY)
    response = await client.request(method, path, headers=OPERATOR)
    body = json.dumps(json.loads(response.text, object_hook=sorted_sources), indent=1)
    answer = f"{response.status_code}\n{WANDERING.sub('?', body)}\n"
    file = FOLDER / f"{name}.txt"
    if not file.exists():
        file.write_text(answer, "utf-8")
        pytest.fail(f"{file.name} was not there, and is now: look at it")
    assert answer == file.read_text("utf-8")


@pytest.mark.parametrize("call_id", [CALL, NOBODYS, "no-uuid"])
@pytest.mark.parametrize("path", ["/api/calls/{}", "/api/calls/{}/events", "/api/v1/calls/{}"])
@pytest.mark.usefixtures("records")
async def test_who_may_not_read_learns_nothing(gateways: Gateways, call_id: str, path: str) -> None:
    """401 comes before 404: a stranger must not find out which calls there are."""
    client = await gateways(gateway_api_key=KEY)
    response = await client.get(path.format(call_id))
    assert response.status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/leads/{}", "/api/v1/leads/{}/replay"])
@pytest.mark.usefixtures("records")
async def test_who_may_not_read_leads_learns_nothing(gateways: Gateways, path: str) -> None:
    client: httpx.AsyncClient = await gateways(gateway_api_key=KEY)
    for lead_id in (LEAD, NOBODYS, "no-uuid"):
        method = "POST" if path.endswith("replay") else "GET"
        assert (await client.request(method, path.format(lead_id))).status_code == 401
