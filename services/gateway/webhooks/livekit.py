"""POST /api/webhooks/livekit: what LiveKit says of our rooms, as it happens.

It only hurries what the watchdog would find out by itself: a cloud cannot reach a laptop.
"""

from fastapi import APIRouter, Request
from google.protobuf.json_format import ParseError
from jwt import InvalidTokenError
from livekit.api import TokenVerifier, WebhookEvent, WebhookReceiver
from loguru import logger

from services.gateway.dependencies import Gateway, GatewayDep
from services.gateway.livekit import LiveKitError
from services.gateway.webhooks.idempotency import idempotent
from services.gateway.webhooks.schemas import LiveKitAnswer
from shared.calls.caller import is_caller
from shared.errors import BadRequest, NotFound, Unauthorized
from shared.ids import uuid7
from shared.redis import keys

router = APIRouter(tags=["webhooks"])

REMEMBER_S = 3_600  # LiveKit repeats a delivery for minutes at most


@router.post("/api/webhooks/livekit")
async def livekit(request: Request, gateway: GatewayDep) -> LiveKitAnswer:
    """Answers 401 unless the signature is LiveKit's. An event that came before changes nothing."""
    event = _verified(await request.body(), request.headers.get("authorization", ""), gateway)
    name = keys.seen("livekit", event.id or uuid7())
    async with idempotent(gateway.redis, name, remember_s=REMEMBER_S) as first:
        if first:
            await _handle(event, gateway)
    return LiveKitAnswer(status="ok" if first else "duplicate")


def _verified(body: bytes, authorization: str, gateway: Gateway) -> WebhookEvent:
    settings = gateway.settings
    verifier = TokenVerifier(
        settings.livekit_api_key, settings.livekit_api_secret.get_secret_value()
    )
    token = authorization.removeprefix("Bearer ").strip()
    try:
        return WebhookReceiver(verifier).receive(body.decode(), token)
    except (ParseError, UnicodeDecodeError) as error:
        raise BadRequest("the body is not a webhook of LiveKit") from error
    except InvalidTokenError as error:
        raise Unauthorized("the signature is not LiveKit's") from error
    except Exception as error:  # the receiver raises bare Exception when the body was changed
        raise Unauthorized("the signature is not LiveKit's") from error


async def _handle(event: WebhookEvent, gateway: Gateway) -> None:
    call_id = await gateway.calls.of_room(event.room.name)
    if call_id is None:
        return
    try:
        call = await gateway.calls.get(call_id)
    except NotFound:
        return
    logger.debug("call {}: LiveKit says {}", call_id, event.event)
    who = event.participant
    if event.event == "participant_joined" and is_caller(
        who.identity, who.kind, call.caller_identity
    ):
        if call.state == "ended":
            await _send_away(call.room, gateway)
        else:
            await gateway.calls.joined(call.id)
    elif event.event == "room_finished":
        await gateway.calls.end(call, "room_closed")


async def _send_away(room: str, gateway: Gateway) -> None:
    """Somebody came to a call that is over: a closed room tells them so, silence would not."""
    try:
        await gateway.livekit.delete_room(room)
    except LiveKitError as error:
        logger.warning("room {} stays open: {}", room, error.message)
