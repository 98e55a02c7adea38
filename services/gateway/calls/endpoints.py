"""Calls: their events, live, for the browser that opened one; lists and logs for operators."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from services.gateway.calls.schemas import CallAnswer, CallDetails, CallsAnswer, CallSummary
from services.gateway.dependencies import OPERATOR, GatewayDep
from shared.calls import Call
from shared.errors import NotFound
from shared.ids import is_uuid

router = APIRouter(tags=["calls"])

# Redis ids are two numbers of 64 bits, so 20 digits could be one that it refuses.
LastEventId = Annotated[str | None, Header(pattern=r"^[0-9]{1,19}-[0-9]{1,19}$")]


async def _known(call_id: str, gateway: GatewayDep) -> Call:
    if not is_uuid(call_id):
        raise NotFound(f"no call {call_id!r}", code="unknown_call")
    return await gateway.calls.get(call_id)


async def _readable(call_id: str, request: Request, gateway: GatewayDep) -> Call:
    """The call, for the browser that opened it. Asks who it is before what there is."""
    gateway.auth.require_call(call_id, request.headers, request.cookies)
    return await _known(call_id, gateway)


async def _private(call_id: str, request: Request, gateway: GatewayDep) -> Call:
    gateway.auth.require_operator(request.headers)
    return await _known(call_id, gateway)


ReadableCall = Annotated[Call, Depends(_readable)]
PrivateCall = Annotated[Call, Depends(_private)]


def _room_for_a_stream(gateway: GatewayDep) -> None:
    gateway.events.require_room()


@router.get("/api/calls/{call_id}")
async def call_details(call: ReadableCall, gateway: GatewayDep) -> CallDetails:
    """The call for the browser that opened it."""
    return CallDetails.of(call, gateway.settings.default_language)


@router.get(
    "/api/calls/{call_id}/events",
    response_class=EventSourceResponse,
    dependencies=[Depends(_room_for_a_stream)],
)
async def call_events(
    call: ReadableCall, gateway: GatewayDep, last_event_id: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    """The call's log as server-sent events, from the start or after Last-Event-ID, and on."""
    async for event in gateway.events.follow(call.id, last_event_id):
        yield event


@router.get("/api/v1/calls", dependencies=[OPERATOR])
async def calls(
    gateway: GatewayDep, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> CallsAnswer:
    """The newest calls first. Private."""
    latest = await gateway.calls.latest(limit)
    return CallsAnswer(calls=[CallSummary.of(call) for call in latest])


@router.get("/api/v1/calls/{call_id}")
async def call_with_log(call: PrivateCall, gateway: GatewayDep) -> CallAnswer:
    """One call with everything that happened in it. Private."""
    log = await gateway.call_log.read(call.id)
    return CallAnswer(call=CallSummary.of(call), log=[CallAnswer.entry(each) for each in log])


@router.get(
    "/api/v1/calls/{call_id}/events",
    response_class=EventSourceResponse,
    dependencies=[Depends(_room_for_a_stream)],
)
async def call_events_for_operators(
    call: PrivateCall, gateway: GatewayDep, last_event_id: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    """The same events for the console. Private."""
    async for event in gateway.events.follow(call.id, last_event_id):
        yield event
