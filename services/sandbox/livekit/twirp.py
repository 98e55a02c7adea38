"""Twirp over HTTP: protobuf or JSON in, the same out, errors as JSON {code, msg}."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from google.protobuf.json_format import MessageToDict, Parse, ParseError
from google.protobuf.message import DecodeError, Message

from services.sandbox.livekit.errors import TwirpError
from services.sandbox.livekit.grants import Token

LEFT_OUT = frozenset({"livekit.Egress", "livekit.Ingress", "livekit.SIP", "livekit.Connector"})
"""Services of the real server, known and refused."""

_NO_TOKEN = Token({})


@dataclass(frozen=True, slots=True)
class Method:
    request: type[Message]
    run: Callable[[Token, Any], Awaitable[Message]]
    """Raises TwirpError."""


def denied() -> TwirpError:
    return TwirpError("unauthenticated", "permissions denied", 401)


def not_found(what: str) -> TwirpError:
    return TwirpError("not_found", f"twirp error unknown: {what}", 404)


def unavailable() -> TwirpError:
    """What the real server says of a room that no node has."""
    return TwirpError("unavailable", "twirp error unknown: no response from servers", 503)


def left_out() -> TwirpError:
    return TwirpError("unimplemented", "this development server does not do that", 501)


class Twirp:
    def __init__(self, services: Mapping[str, Mapping[str, Method]]) -> None:
        """By service name, `livekit.RoomService`, then by method name."""
        self._services = services

    async def call(self, request: web.Request, token: Token | None) -> web.Response:
        """Without a token only those methods answer that ask for no grant, and there are none."""
        name = request.match_info["service"]
        service = self._services.get(name)
        if service is None and name not in LEFT_OUT:
            raise web.HTTPNotFound
        try:
            if service is None:
                raise left_out()
            method = service.get(request.match_info["method"])
            if method is None:
                raise _bad_route(request)
            as_json = request.content_type == "application/json"
            message = _parse(method.request, await request.read(), as_json=as_json)
            answer = await method.run(token or _NO_TOKEN, message)
        except TwirpError as error:
            return _failure(error, request)
        if as_json:
            text = json.dumps(_written_out(answer), separators=(",", ":"))
            return web.Response(body=text.encode(), content_type="application/json")
        return web.Response(body=answer.SerializeToString(), content_type="application/protobuf")


def _written_out(message: Message) -> dict[str, Any]:
    """Every field, as Go writes them: zero values, and null for messages that are not there."""
    written = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    for field in message.DESCRIPTOR.fields:
        if field.message_type is None or field.containing_oneof is not None:
            continue
        value = getattr(message, field.name)
        if field.message_type.GetOptions().map_entry:
            continue
        if field.is_repeated:
            written[field.name] = [_written_out(item) for item in value]
        elif message.HasField(field.name):
            written[field.name] = _written_out(value)
        else:
            written[field.name] = None
    return written


def _bad_route(request: web.Request) -> TwirpError:
    return TwirpError("bad_route", f'no handler for path "{request.path}"', 404)


def _parse(kind: type[Message], body: bytes, *, as_json: bool) -> Message:
    try:
        if as_json:
            return Parse(body, kind(), ignore_unknown_fields=True)
        return kind.FromString(body)
    except (ParseError, DecodeError, UnicodeDecodeError) as error:
        form = "json" if as_json else "protobuf"
        message = f"the {form} request could not be decoded"
        raise TwirpError("malformed", message, 400) from error


def _failure(error: TwirpError, request: web.Request) -> web.Response:
    body: dict[str, Any] = {"code": error.code, "msg": error.message}
    if error.code == "bad_route":
        body["meta"] = {"twirp_invalid_route": f"{request.method} {request.path}"}
    text = json.dumps(body, separators=(",", ":"))
    return web.Response(status=error.status, body=text.encode(), content_type="application/json")
