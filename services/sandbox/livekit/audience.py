"""Whom a publisher lets listen."""

from collections.abc import Iterable

from livekit.protocol.rtc import TrackPermission


class Audience:
    """A subscription_permission that is not for all."""

    def __init__(self, permissions: Iterable[TrackPermission]) -> None:
        self._permissions = list(permissions)

    def admits(self, listener_sid: str, listener_identity: str, track_sid: str) -> bool:
        return any(
            p.all_tracks or track_sid in p.track_sids
            for p in self._permissions
            if p.participant_sid == listener_sid or p.participant_identity == listener_identity
        )
