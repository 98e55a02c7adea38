"""Calls: opening one; its events for the browser that opened it; lists and logs for operators."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from services.gateway.auth import COOKIE, COOKIE_AGE_S
from services.gateway.calls.open import CallRequest, open_call
from services.gateway.calls.schemas import (
    CallAnswer,
    CallDetails,
    CallsAnswer,
    CallSummary,
    LogLine,
    TokenAnswer,
    TokenRequest,
)
from services.gateway.calls.token import caller_token
from services.gateway.dependencies import OPERATOR, GatewayDep
from services.gateway.errors import ErrorAnswer
from services.gateway.ids import CallId
from shared.calls import Call

router = APIRouter(tags=["calls"])

# For the OpenAPI schema: what opening a call can be answered with.
TOKEN_ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": ErrorAnswer} for code in (404, 413, 422, 429, 503)
}
# Redis ids are two numbers of 64 bits, so 20 digits could be one that it refuses.
LastEventId = Annotated[str | None, Header(pattern=r"^[0-9]{1,19}-[0-9]{1,19}$")]


def _reader(call_id: str, request: Request, gateway: GatewayDep) -> None:
    gateway.auth.require_call(call_id, request.headers, request.cookies)


def _room_for_a_stream(gateway: GatewayDep) -> None:
    gateway.events.require_room()


async def _call(call_id: CallId, gateway: GatewayDep) -> Call:
    return await gateway.calls.get(call_id)


READER = Depends(_reader)  # the browser that opened the call, or the API key
ROOM_FOR_A_STREAM = Depends(_room_for_a_stream)
KnownCall = Annotated[Call, Depends(_call)]


@router.post("/api/token", responses=TOKEN_ERRORS)
async def token(
    body: TokenRequest, request: Request, response: Response, gateway: GatewayDep
) -> TokenAnswer:
    """Opens a call and answers a token for its room.

    It also sets a cookie that lets this browser, and no other, read the call's events.
    """
    wanted = CallRequest(
        agent_id=body.agentId, language=body.language, voice=body.voice, user_name=body.userName
    )
    await gateway.token_limit.take(request.client.host if request.client else "")
    call = await open_call(gateway, wanted)
    response.headers["Cache-Control"] = "no-store"
    response.set_cookie(
        COOKIE,
        gateway.auth.cookie(call.id),
        max_age=COOKIE_AGE_S,
        path=f"/api/calls/{call.id}",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return TokenAnswer(
        token=caller_token(call, gateway.settings),
        roomName=call.room,
        livekitUrl=gateway.settings.browser_livekit_url,
        agentId=call.agent_id,
        callId=call.id,
    )


@router.get("/api/calls/{call_id}", dependencies=[READER])
async def call_details(call: KnownCall, gateway: GatewayDep) -> CallDetails:
    """The call for the browser that opened it."""
    return CallDetails.of(call, gateway.settings.default_language)


@router.get(
    "/api/calls/{call_id}/events",
    response_class=EventSourceResponse,
    dependencies=[ROOM_FOR_A_STREAM, READER],
)
@router.get(
    "/api/v1/calls/{call_id}/events",
    response_class=EventSourceResponse,
    dependencies=[ROOM_FOR_A_STREAM, OPERATOR],
)
async def call_events(
    call: KnownCall, gateway: GatewayDep, last_event_id: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    """The call's log as server-sent events, from the start or after Last-Event-ID, and on.

    For the browser that opened the call, and under /api/v1 for the console.
    """
    async for event in gateway.events.follow(call.id, last_event_id):
        yield event


@router.get("/api/v1/calls", dependencies=[OPERATOR])
async def calls(
    gateway: GatewayDep, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> CallsAnswer:
    """The newest calls first. Private."""
    latest = await gateway.calls.latest(limit)
    return CallsAnswer(calls=[CallSummary.of(call) for call in latest])


@router.get("/api/v1/calls/{call_id}", dependencies=[OPERATOR])
async def call_with_log(call: KnownCall, gateway: GatewayDep) -> CallAnswer:
    """One call with everything that happened in it. Private."""
    log = await gateway.call_log.read(call.id)
    return CallAnswer(call=CallSummary.of(call), log=[LogLine.of(each) for each in log])
