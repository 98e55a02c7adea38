"""Who may do what: tokens read and written, and the permissions that come of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import jwt
from google.protobuf.json_format import ParseDict, ParseError
from livekit.protocol.models import ParticipantInfo, ParticipantPermission, TrackSource
from livekit.protocol.room import RoomConfiguration

from services.sandbox.livekit.errors import Refusal
from shared.clock import Clock

LEEWAY = timedelta(seconds=60)
"""A clock that is off by less than this does not matter; an expired token passes for as long."""

_LIFETIME = 600  # seconds, of a refreshed token whose own lifetime is unknown

_SOURCES = {
    "camera": TrackSource.CAMERA,
    "microphone": TrackSource.MICROPHONE,
    "screen_share": TrackSource.SCREEN_SHARE,
    "screen_share_audio": TrackSource.SCREEN_SHARE_AUDIO,
}


@dataclass(frozen=True, slots=True)
class Token:
    """A token whose signature and times are right."""

    claims: Mapping[str, Any]
    video: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        return str(self.claims.get("sub") or self.claims.get("identity") or "")

    @property
    def room(self) -> str:
        return str(self.video.get("room") or "")

    def may(self, grant: str) -> bool:
        """A grant that is off unless given: roomJoin, roomAdmin, roomCreate, roomList, agent."""
        return self.video.get(grant) is True

    def administers(self, room: str) -> bool:
        return self.may("roomAdmin") and self.room == room

    @property
    def kind(self) -> ParticipantInfo.Kind:
        name = str(self.claims.get("kind") or "").upper()
        if not name and self.may("agent"):
            return ParticipantInfo.Kind.AGENT
        kinds = dict(ParticipantInfo.Kind.items())
        return cast("ParticipantInfo.Kind", kinds.get(name, ParticipantInfo.Kind.STANDARD))

    @property
    def attributes(self) -> dict[str, str]:
        return {str(k): str(v) for k, v in (self.claims.get("attributes") or {}).items()}

    @property
    def room_config(self) -> RoomConfiguration:
        try:
            config = self.claims.get("roomConfig") or {}
            return ParseDict(config, RoomConfiguration(), ignore_unknown_fields=True)
        except ParseError as error:
            raise Refusal(400, f"invalid room configuration: {error}") from error

    def permission(self) -> ParticipantPermission:
        """can_publish and its like are on unless taken away."""
        names = self.video.get("canPublishSources") or ()
        sources = [_SOURCES[name] for name in names if name in _SOURCES]
        return ParticipantPermission(
            can_subscribe=self.video.get("canSubscribe") is not False,
            can_publish=bool(sources) or self.video.get("canPublish") is not False,
            can_publish_data=self.video.get("canPublishData") is not False,
            can_publish_sources=sources,
            can_update_metadata=self.may("canUpdateOwnMetadata"),
            can_subscribe_metrics=self.may("canSubscribeMetrics"),
            hidden=self.may("hidden"),
            recorder=self.may("recorder"),
            agent=self.may("agent"),
        )


def may_publish(permission: ParticipantPermission, source: int) -> bool:
    if not permission.can_publish:
        return False
    return not permission.can_publish_sources or source in permission.can_publish_sources


def video_grants(token: Token, permission: ParticipantPermission) -> dict[str, Any]:
    """The token's grants as `permission` has changed them."""
    names = {number: name for name, number in _SOURCES.items()}
    video = dict(token.video)
    video["canPublish"] = permission.can_publish
    video["canSubscribe"] = permission.can_subscribe
    video["canPublishData"] = permission.can_publish_data
    if permission.can_update_metadata or "canUpdateOwnMetadata" in video:
        video["canUpdateOwnMetadata"] = permission.can_update_metadata
    if permission.can_publish_sources or "canPublishSources" in video:
        video["canPublishSources"] = [names[source] for source in permission.can_publish_sources]
    if permission.hidden or "hidden" in video:
        video["hidden"] = permission.hidden
    return video


class Authority:
    """Knows the key pair: verifies what clients bring, signs what the server gives out."""

    def __init__(self, key: str, secret: str, clock: Clock) -> None:
        self.key = key
        self._secret = secret
        self._clock = clock

    def verify(self, token: str) -> Token:
        """Raises Refusal, in the words of the real server, which echoes the token."""
        try:
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except jwt.InvalidTokenError as error:
            raise Refusal(401, "invalid authorization token") from error
        if issuer != self.key:
            raise Refusal(401, f"invalid API key: {issuer}")
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError as error:
            reason = "token signature is invalid: signature is invalid"
            raise Refusal(401, f"invalid token: {token}, error: {reason}") from error
        wrong = self._out_of_time(claims)
        if wrong:
            reason = f"token has invalid claims: token is {wrong}"
            raise Refusal(401, f"invalid token: {token}, error: {reason}")
        video = claims.get("video")
        return Token(claims, video if isinstance(video, dict) else {})

    def _out_of_time(self, claims: Mapping[str, Any]) -> str | None:
        now, leeway = self._clock.now().timestamp(), LEEWAY.total_seconds()
        expires, begins = claims.get("exp"), claims.get("nbf")
        if isinstance(expires, int | float) and now > expires + leeway:
            return "expired"
        if isinstance(begins, int | float) and now < begins - leeway:
            return "not valid yet"
        return None

    def sign(self, claims: Mapping[str, Any], *, lifetime: float) -> str:
        """`lifetime` in seconds from now."""
        now = int(self._clock.now().timestamp())
        return jwt.encode(
            {**claims, "iss": self.key, "nbf": now, "iat": now, "exp": now + int(lifetime)},
            self._secret,
            algorithm="HS256",
        )

    def refresh(self, token: Token, info: ParticipantInfo) -> str:
        """A token of the same lifetime, with the grants, name and attributes of the moment."""
        claims = dict(token.claims)
        begins, expires = claims.get("nbf"), claims.get("exp")
        lifetime = _LIFETIME
        if isinstance(begins, int) and isinstance(expires, int):
            lifetime = expires - begins
        claims |= {
            "sub": info.identity,
            "identity": info.identity,
            "kind": ParticipantInfo.Kind.Name(info.kind).lower(),
            "video": video_grants(token, info.permission),
        }
        for name, value in (
            ("name", info.name),
            ("metadata", info.metadata),
            ("attributes", dict(info.attributes)),
        ):
            claims.pop(name, None)
            if value:
                claims[name] = value
        return self.sign(claims, lifetime=lifetime)
