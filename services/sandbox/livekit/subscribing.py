"""What one participant listens to: which track goes into which section of its offers."""

import asyncio
from dataclasses import dataclass, field

from livekit.protocol.rtc import (
    MediaSectionsRequirement,
    SignalResponse,
    SubscriptionPermissionUpdate,
    TrackSubscribed,
)

from services.sandbox.livekit.dtls import MediaLink
from services.sandbox.livekit.peer import Peer
from services.sandbox.livekit.sdp import Section, SectionAnswer
from services.sandbox.livekit.tracks import Subscription, Track


@dataclass(slots=True)
class _Sections:
    """What the last offer had room for."""

    free: int = 0
    used: set[str] = field(default_factory=set)
    """Sections that have carried something: they are answered `inactive` when they do not."""


class Subscriber:
    """The listening half of a participant."""

    def __init__(self, listener: Peer, link: MediaLink) -> None:
        self._listener = listener
        self._link = link
        self._sections = _Sections()
        self._asking: asyncio.TimerHandle | None = None
        self.subscriptions: dict[str, Subscription] = {}
        """By track sid."""

    def subscribe(self, track: Track) -> None:
        """The listener is told that it may; a request for an offer follows (`ask`)."""
        if track.sid in self.subscriptions:
            return
        subscription = Subscription(track, self._link)
        self.subscriptions[track.sid] = subscription
        track.subscriptions.append(subscription)
        self._say_allowed(track, allowed=True)

    def deny(self, track: Track) -> None:
        """The publisher does not let this participant listen."""
        self._say_allowed(track, allowed=False)

    def _say_allowed(self, track: Track, *, allowed: bool) -> None:
        update = SubscriptionPermissionUpdate(
            participant_sid=track.owner.sid, track_sid=track.sid, allowed=allowed
        )
        self._listener.send(SignalResponse(subscription_permission_update=update))

    def unsubscribe(self, track_sid: str) -> bool:
        """Whether it was subscribed to."""
        subscription = self.subscriptions.pop(track_sid, None)
        if subscription is None:
            return False
        subscription.cut()
        return True

    def ask(self, delay: float) -> None:
        """Request an offer after `delay` seconds; whatever changes until then shares it."""
        loop = asyncio.get_running_loop()
        if self._asking is not None:
            if self._asking.when() <= loop.time() + delay:
                return
            self._asking.cancel()
        self._asking = loop.call_later(delay, self._ask)

    def _ask(self) -> None:
        self._asking = None
        waiting = sum(1 for s in self.subscriptions.values() if s.mid is None)
        missing = max(0, waiting - self._sections.free)
        self._listener.send(
            SignalResponse(media_sections_requirement=MediaSectionsRequirement(num_audios=missing))
        )

    def answer(self, sections: list[Section]) -> dict[str, SectionAnswer]:
        """By mid, what is sent in those audio sections in which the client only receives."""
        by_mid = {s.mid: s for s in self.subscriptions.values() if s.mid is not None}
        waiting = [s for s in self.subscriptions.values() if s.mid is None]
        answers: dict[str, SectionAnswer] = {}
        self._sections.free = 0
        for section in sections:
            subscription = by_mid.get(section.mid)
            if subscription is None and waiting and self._is_open(section):
                subscription = waiting.pop(0)
                subscription.bind(section)
            if subscription is None:
                self._sections.free += self._is_open(section)
                direction = "inactive" if section.mid in self._sections.used else "sendonly"
                answers[section.mid] = SectionAnswer(direction)
            else:
                self._sections.used.add(section.mid)
                answers[section.mid] = _sending(subscription)
        return answers

    def _is_open(self, section: Section) -> bool:
        return section.kind == "audio" and not section.rejected and bool(section.codecs)

    @property
    def mid_to_track_id(self) -> dict[str, str]:
        return {s.mid: sid for sid, s in self.subscriptions.items() if s.mid is not None}

    @property
    def lacks_sections(self) -> bool:
        return any(s.mid is None for s in self.subscriptions.values())

    def report_subscribed(self) -> None:
        """Tell the publishers, once each, that their track is heard: this client's media is up."""
        for subscription in self.subscriptions.values():
            track = subscription.track
            if subscription.mid is None or self._listener.hidden:
                continue
            if not track.subscribed_told:
                track.subscribed_told = True
                track.owner.send(
                    SignalResponse(track_subscribed=TrackSubscribed(track_sid=track.sid))
                )

    def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        for track_sid in list(self.subscriptions):
            self.unsubscribe(track_sid)


def _sending(subscription: Subscription) -> SectionAnswer:
    track, copy = subscription.track, subscription.copy
    return SectionAnswer(
        "sendonly",
        stream=f"{track.owner.sid}|{track.sid}",
        track=track.sid,
        ssrc=copy.ssrc if copy is not None else 0,
    )
