"""Who counts as the caller for the watchdog, and who is only in the room."""

import pytest
from livekit.api import ParticipantInfo

from shared.redis import keys
from tests.gateway.calls.scene import Scene
from tests.gateway.rooms import participant

NOT_THE_CALLER = [
    participant("EG_recorder", "EGRESS"),
    participant("IN_music", "INGRESS"),
    participant("supervisor", "STANDARD"),
    participant("colleague", "SIP"),
    participant("agent-1", "AGENT"),
]


@pytest.mark.parametrize("other", NOT_THE_CALLER, ids=lambda who: str(who.identity))
async def test_only_the_caller_counts_as_the_caller(scene: Scene, other: ParticipantInfo) -> None:
    """A recorder or a supervisor in the room had agents called for a caller who was not there."""
    call_id = await scene.open()
    await scene.comes(call_id, other)
    await scene.ago(call_id, created=60, joined=50)
    await scene.poll()
    assert scene.rooms.dispatched == []
    await scene.caller_comes(call_id)
    await scene.look(call_id)
    assert len(scene.rooms.dispatched) == 1


@pytest.mark.parametrize(
    ("who", "counts"),
    [
        (participant("anybody", "STANDARD"), True),
        (participant("anybody", "SIP"), True),
        (participant("EG_recorder", "EGRESS"), False),
        (participant("IN_music", "INGRESS"), False),
        (participant("agent-1", "AGENT"), False),
    ],
    ids=lambda value: getattr(value, "identity", None),
)
async def test_a_call_opened_before_identities_were_stored_still_has_a_caller(
    scene: Scene, who: ParticipantInfo, counts: bool
) -> None:
    """Calls under way during an update must not lose their agent."""
    call_id = await scene.open()
    await scene.redis.hdel(keys.call(call_id), "caller_identity")
    await scene.comes(call_id, who)
    await scene.ago(call_id, created=10, joined=6)
    await scene.poll()
    assert bool(scene.rooms.dispatched) is counts


async def test_a_recorder_does_not_keep_a_call_alive_whose_caller_left(scene: Scene) -> None:
    """Such a call never ended: its partial lead was not posted, and the recording went on."""
    call_id = await scene.open()
    await scene.calls.take(call_id, "agent-1")
    await scene.comes(call_id, participant("EG_recorder", "EGRESS"))
    await scene.ago(call_id, created=100, joined=90, started=90, lease=30)
    await scene.poll()
    absent = keys.caller_absent(call_id)
    await scene.redis.decrby(absent, 44_000)
    await scene.look(call_id)
    assert (await scene.call(call_id)).state == "active"
    await scene.redis.decrby(absent, 1_000)
    await scene.look(call_id)
    call = await scene.call(call_id)
    assert (call.state, call.how) == ("ended", "room_closed")
    assert scene.rooms.deleted == [call.room]


async def test_a_caller_who_came_back_is_not_counted_as_away(scene: Scene) -> None:
    """Networks drop now and then: each absence counts by itself."""
    call_id = await scene.open()
    await scene.comes(call_id, participant("EG_recorder", "EGRESS"))
    await scene.ago(call_id, created=100, joined=90)
    await scene.poll()
    await scene.redis.decrby(keys.caller_absent(call_id), 60_000)
    await scene.caller_comes(call_id)
    await scene.look(call_id)
    await scene.caller_goes(call_id)
    await scene.look(call_id)
    assert (await scene.call(call_id)).state == "requested"
