"""Merging what was said into one lead."""

import json

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from redis.asyncio import Redis

from shared.calls import Calls
from shared.calls.log import CallLog, LeadRevision
from shared.leads import Leads
from shared.profiles import Profile, Question
from shared.redis import keys
from tests.shared.builders import entries, lead_context, new_call
from tests.shared.leads.changes import change
from tests.shared.round_trips import round_trips

PROFILE = Profile(
    id="clinic",
    qualification_questions=(
        Question(key="problem", question="What is the problem?"),
        Question(key="since", question="Since when?", required=False),
    ),
)


@pytest.fixture
def leads(redis: Redis) -> Leads:
    return Leads(redis, source="test")


async def test_each_change_raises_the_revision_once(leads: Leads) -> None:
    new = new_call(profile=PROFILE)
    context = lead_context(new)
    first = await leads.apply(context, [change("name", "Asha")])
    again = await leads.apply(context, [change("name", "Asha", sequence=2)])
    assert (first.revision, first.changed) == (1, True)
    assert (again.revision, again.changed) == (1, False)


async def test_the_list_of_leads_forgets_those_whose_retention_is_over(
    leads: Leads, redis: Redis
) -> None:
    """The index would grow for ever, with an id for each lead that there ever was."""
    await redis.zadd(keys.LEADS_INDEX, {"long-ago": 1})
    context = lead_context(new_call(profile=PROFILE))
    await leads.apply(context, [change("name", "Asha")])
    assert await redis.zrange(keys.LEADS_INDEX, 0, -1) == [context.lead_id]


async def test_a_lead_is_complete_with_name_phone_and_required_fields(leads: Leads) -> None:
    context = lead_context(new_call(profile=PROFILE))
    merged = await leads.apply(context, [change("name", "Asha"), change("problem", "tooth")])
    assert not merged.complete
    merged = await leads.apply(context, [change("phone", "+919876543210", sequence=2)])
    assert merged.complete  # "since" is not required


async def test_an_empty_value_completes_nothing(leads: Leads) -> None:
    context = lead_context(new_call(profile=PROFILE))
    values = [change("name", ""), change("phone", "+919876543210"), change("problem", "tooth")]
    assert not (await leads.apply(context, values)).complete


async def test_an_older_change_never_overwrites_a_newer_one(leads: Leads) -> None:
    """A spool that drains late holds what the caller has corrected since."""
    new = new_call(profile=PROFILE)
    context = lead_context(new)
    await leads.apply(context, [change("name", "Asha Rao", sequence=1, attempt=2)])
    late = await leads.apply(context, [change("name", "Usha", sequence=9, attempt=1)])
    assert not late.changed
    assert (await leads.get(new.lead_id)).values == {"name": "Asha Rao"}


async def test_fields_that_the_profile_does_not_know_go_under_extra(leads: Leads) -> None:
    new = new_call(profile=PROFILE)
    await leads.apply(lead_context(new), [change("pet", "dog", known=False)])
    data = (await leads.get(new.lead_id)).webhook_data().model_dump()
    assert (data["fields"], data["extra"]) == ({}, {"pet": "dog"})


async def test_the_payload_has_the_shape_that_workflows_read(leads: Leads) -> None:
    new = new_call(profile=PROFILE, language="mr-IN")
    values = [
        change("name", "आशा"),
        change("phone", "+919876543210"),
        change("problem", "दात"),
        change("since", 3, source="typed"),
    ]
    await leads.apply(lead_context(new), values)
    data = (await leads.get(new.lead_id)).webhook_data().model_dump()
    assert data.pop("captured_at").endswith("Z")
    assert data == {
        "lead_id": new.lead_id,
        "revision": 1,
        "complete": True,
        "account": "default",
        "call_id": new.id,
        "room": new.room,
        "channel": "web",
        "caller": None,
        "agent_id": "clinic",
        "profile_version": new.profile_version,
        "language": "mr-IN",
        "name": "आशा",
        "phone": "+919876543210",
        "email": None,
        "fields": {"problem": "दात", "since": 3},
        "extra": {},
        "sources": {"name": "caller", "phone": "caller", "problem": "caller", "since": "typed"},
    }


async def test_the_log_tells_what_changed_and_the_stream_only_ids(
    leads: Leads, redis: Redis
) -> None:
    new = new_call(profile=PROFILE)
    await leads.apply(lead_context(new), [change("name", 'Asha "the" Rao\\')])
    [logged] = await CallLog(redis).read(new.id)
    assert isinstance(logged.entry, LeadRevision)
    assert logged.entry.changed == {"name": 'Asha "the" Rao\\'}
    [fields] = await entries(redis, keys.LEADS)
    assert fields["type"] == "lead.changed"
    assert "Asha" not in json.dumps(fields)


async def test_a_change_after_the_call_is_sent_though_partial(leads: Leads, redis: Redis) -> None:
    """The spool drained after the end: what it held must not wait for a call that is over."""
    calls, new = Calls(redis, source="test"), new_call(profile=PROFILE)
    await calls.open(new)
    await calls.end(await calls.get(new.id), "caller_hung_up")
    await leads.apply(lead_context(new), [change("name", "Asha")])
    [fields] = await entries(redis, keys.LEADS)
    assert json.loads(fields["data"])["postable"] is True


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(
        [(field, attempt, sequence) for field in "ab" for attempt in (1, 2) for sequence in (1, 2)]
    )
)
async def test_any_order_of_arrival_gives_the_same_lead(
    order: list[tuple[str, int, int]], leads: Leads
) -> None:
    """Retries, a spool and two agents may deliver changes in any order."""
    new = new_call(profile=PROFILE)
    for field, attempt, sequence in order:
        value = f"{field}{attempt}{sequence}"
        await leads.apply(lead_context(new), [change(field, value, sequence, attempt)])
    assert (await leads.get(new.lead_id)).values == {"a": "a22", "b": "b22"}


async def test_a_list_of_leads_takes_two_round_trips(
    leads: Leads, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for each lead would take hours for a year. What is gone is forgotten on the way."""
    contexts = [lead_context(new_call(profile=PROFILE)) for _ in range(5)]
    for context in contexts:
        await leads.apply(context, [change("name", "Asha")])
    with round_trips(monkeypatch) as counted:
        assert len(await leads.latest()) == 5
    assert counted.trips == 2
    await redis.delete(keys.lead(contexts[0].lead_id))
    assert len(await leads.latest()) == 4
    assert await redis.zcard(keys.LEADS_INDEX) == 4
