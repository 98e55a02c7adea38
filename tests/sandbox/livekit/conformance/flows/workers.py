"""Flows c2, c3, c4, c8 and c9: scripted workers that accept, refuse, are full or keep silent."""

from livekit import api

from tests.sandbox.livekit.conformance.client import Client
from tests.sandbox.livekit.conformance.stage import Stage
from tests.sandbox.livekit.conformance.worker import Worker, accept, ignore, refuse

AGENT = "test-agent"


def wants_agent(departure_timeout: int = 3) -> api.RoomConfiguration:
    """The room configuration that all callers of these flows carry in their tokens."""
    dispatch = api.RoomAgentDispatch(agent_name=AGENT, metadata='{"k":1}')
    return api.RoomConfiguration(departure_timeout=departure_timeout, agents=[dispatch])


async def call(stage: Stage, room: str, identity: str = "caller") -> Client:
    return await stage.join(identity, room, config=wants_agent())


async def _willing(stage: Stage, who: str, load: float = 0.0, name: str = AGENT) -> Worker:
    answer = accept(who, attributes={"who": who})
    return await stage.worker(answer, agent_name=name, load=load)


async def c2(stage: Stage) -> None:
    room = "golden-c2"
    stage.begin()
    await _willing(stage, "W1")
    await stage.at(1004)
    created = await _dispatch(stage, room, AGENT, metadata="meta-x")
    await stage.at(2510)
    await stage.admin("AgentDispatchService/ListDispatch", room)
    await stage.list_rooms()
    caller = await stage.join("caller", room)
    await stage.at(4068)
    await _dispatch(stage, room, AGENT, metadata="meta-y")
    await stage.at(5572)
    await _dispatch(stage, room, "nobody")
    await stage.at(6576)
    await stage.admin("AgentDispatchService/ListDispatch", room)
    first = created["response"]["id"]
    await stage.admin("AgentDispatchService/ListDispatch", room, dispatch_id=first)
    await stage.admin("AgentDispatchService/DeleteDispatch", room, dispatch_id=first)
    await stage.at(8082)
    await stage.admin("AgentDispatchService/ListDispatch", room)
    await stage.admin("AgentDispatchService/DeleteDispatch", room, dispatch_id="AD_unknown")
    await stage.admin("AgentDispatchService/ListDispatch", "no-such-room")
    await stage.at(11091)
    await _willing(stage, "W2", name="nobody")
    await stage.at(15097)
    await caller.disconnect()
    await stage.delete_room(room)
    await stage.seen("webhook", "room_finished")


async def _dispatch(
    stage: Stage, room: str, agent: str, **request: str
) -> dict[str, dict[str, str]]:
    method = "AgentDispatchService/CreateDispatch"
    return await stage.admin(method, room, agent_name=agent, **request)


async def c3(stage: Stage) -> None:
    stage.begin()
    first = await _willing(stage, "W1", load=0.1)
    await stage.at(305)
    second = await _willing(stage, "W2", load=0.6)
    callers: list[Client] = []
    for number, (t_ms, chosen) in enumerate(
        [(1310, 1), (1860, 2), (2418, 2), (2972, 1), (3528, 1), (4084, 2)]
    ):
        await stage.at(t_ms)
        stage.picker.wanted = f"<AW_{chosen}>"
        offers = stage.count(f"agent:worker#{chosen}", "assignment")
        callers.append(await call(stage, f"golden-c3-{number}", f"caller{number}"))
        await stage.seen(f"agent:worker#{chosen}", "assignment", count=offers + 1)
    stage.picker.wanted = None
    await stage.at(4651)
    await first.report(load=0.9, full=True)
    for number, t_ms in ((6, 5154), (7, 5725)):
        await stage.at(t_ms)
        callers.append(await call(stage, f"golden-c3-{number}", f"caller{number}"))
    await stage.at(6275)
    await second.report(load=0.9, full=True)
    await stage.at(6776)
    callers.append(await call(stage, "golden-c3-8", "caller8"))
    await stage.at(9832)
    await first.report(load=0.1)
    await stage.at(17836)
    for caller in callers:
        await caller.disconnect()
    for number in range(len(callers)):
        await stage.delete_room(f"golden-c3-{number}")


async def c4(stage: Stage) -> None:
    stage.begin()
    first = await stage.worker(refuse(), load=0.1)
    await stage.at(1003)
    caller = await call(stage, "golden-c4")
    await stage.at(9089)
    await stage.admin("AgentDispatchService/ListDispatch", "golden-c4")
    await caller.disconnect()
    await stage.delete_room("golden-c4")
    await stage.at(10099)
    await _willing(stage, "W2", load=0.9)
    for number, (t_ms, chosen) in enumerate([(11102, 2), (14176, 1), (17237, 1)]):
        await _short_call(stage, t_ms, chosen, f"b{number}")
    first.answer = refuse(terminate=True)
    for number, t_ms in enumerate([20319, 22386, 24453]):
        await _short_call(stage, t_ms, 1, f"c{number}", lasts_ms=2000)


async def _short_call(
    stage: Stage, t_ms: int, chosen: int, name: str, *, lasts_ms: int = 2900
) -> None:
    await stage.at(t_ms)
    stage.picker.wanted = f"<AW_{chosen}>"
    caller = await call(stage, f"golden-c4{name}", f"caller-{name}")
    await stage.at(t_ms + lasts_ms)
    await caller.disconnect()
    await stage.delete_room(f"golden-c4{name}")


async def c8(stage: Stage) -> None:
    stage.begin()
    await stage.worker(ignore)
    await stage.at(1003)
    caller = await call(stage, "golden-c8")
    await stage.at(10900)
    stage.skip(10000)
    await stage.at(26053)
    await stage.admin("AgentDispatchService/ListDispatch", "golden-c8")
    await caller.disconnect()
    await stage.delete_room("golden-c8")
    await stage.at(27065)
    await _willing(stage, "W2", load=0.9)
    await stage.at(28068)
    stage.picker.wanted = "<AW_1>"
    caller = await call(stage, "golden-c8b", "caller-b")
    await stage.at(32900)
    stage.skip(10000)
    await stage.at(48147)
    await caller.disconnect()
    await stage.delete_room("golden-c8b")
    await stage.seen("webhook", "room_finished", count=2)


async def c9(stage: Stage) -> None:
    room = "golden-c9"
    stage.begin()
    caller = await call(stage, room)
    await stage.align(21)
    await stage.at(3057)
    await stage.admin("AgentDispatchService/ListDispatch", room)
    await _willing(stage, "W1")
    await stage.at(15061)
    second = await call(stage, room, "caller2")
    await stage.at(18124)
    await stage.admin("AgentDispatchService/ListDispatch", room)
    await _dispatch(stage, room, AGENT)
    await stage.at(20132)
    await caller.disconnect()
    await second.disconnect()
    await stage.delete_room(room)
    await stage.seen("webhook", "room_finished")
