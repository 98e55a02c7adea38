"""A room: participants that come and go, what they are told of each other, and its end."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from livekit.protocol import models
from livekit.protocol.models import DataPacket, DisconnectReason, ParticipantInfo
from livekit.protocol.room import RoomConfiguration

from services.sandbox.livekit.counts import Counts
from services.sandbox.livekit.exchange import Exchange
from services.sandbox.livekit.grants import Token
from services.sandbox.livekit.participant import Participant
from services.sandbox.livekit.peer import State
from services.sandbox.livekit.protocol import audio_codecs, new_sid
from services.sandbox.livekit.quality import Quality
from services.sandbox.livekit.roster import Roster
from services.sandbox.livekit.speakers import Speakers
from services.sandbox.livekit.timings import Timings
from services.sandbox.livekit.tracks import Track
from services.sandbox.livekit.updates import Updates
from services.sandbox.livekit.webhooks import Webhooks

EMPTY_TIMEOUT = 300  # seconds in which somebody must come
DEPARTURE_TIMEOUT = 20  # seconds after the last standard participant has gone


class RoomEvents(Protocol):
    """What a room tells the rest of the server."""

    def on_active(self, room: "Room", participant: Participant) -> None:
        """Its media is up."""

    def on_publisher(self, room: "Room", participant: Participant) -> None:
        """It has published its first track."""

    def on_gone(self, room: "Room", participant: Participant) -> None: ...

    def on_finished(self, room: "Room") -> None: ...


class Room:
    """Everything here happens at once, in one turn of the loop; only media and sockets wait."""

    def __init__(
        self,
        name: str,
        config: RoomConfiguration,
        *,
        timings: Timings,
        webhooks: Webhooks,
        now: float,
        events: RoomEvents,
    ) -> None:
        """`now` is seconds since 1970."""
        self.info = models.Room(
            sid=new_sid("RM_"),
            name=name,
            empty_timeout=config.empty_timeout or EMPTY_TIMEOUT,
            departure_timeout=config.departure_timeout or DEPARTURE_TIMEOUT,
            max_participants=config.max_participants,
            metadata=config.metadata,
            creation_time=int(now),
            creation_time_ms=int(now * 1000),
            turn_password=new_sid(""),
            enabled_codecs=audio_codecs(),
        )
        self.roster = Roster(self.info)
        self.timings = timings
        self.finished = False
        self.updates = Updates(self.roster)
        self._counts = Counts(self.roster, timings.count_tick)
        self.exchange = Exchange(
            self.roster,
            self.updates,
            self._counts,
            webhooks=webhooks,
            timings=timings,
            on_publisher=lambda participant: events.on_publisher(self, participant),
        )
        self._webhooks = webhooks
        self._events = events
        self._empty_since = time.monotonic()
        self._was_occupied = False
        self._closing: set[asyncio.Task[None]] = set()
        self._ticks = [
            asyncio.create_task(_every(seconds, step))
            for seconds, step in (
                (timings.update_tick, self.updates.flush),
                (timings.count_tick, self._counts.step),
                (timings.count_tick, Quality(self.roster, timings.silence_lost).judge),
                (timings.speaker_tick, Speakers(self.roster).judge),
                (timings.silence_check, self._check_silence),
                (timings.room_check, self._check_empty),
                (timings.room_check, self._report_reception),
            )
        ]

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def participants(self) -> dict[str, Participant]:
        """By identity, in the order in which they came."""
        return self.roster.participants

    @property
    def busy(self) -> bool:
        """Whether somebody's media is still being closed."""
        return bool(self._closing)

    def is_full_for(self, token: Token) -> bool:
        """Agents neither count nor are turned away; the same identity replaces itself."""
        limit = self.info.max_participants
        is_agent = token.kind == ParticipantInfo.Kind.AGENT
        if not limit or is_agent or token.identity in self.participants:
            return False
        return sum(1 for p in self.participants.values() if not p.is_agent) >= limit

    # Coming and going.

    def add(self, participant: Participant) -> None:
        """It has been told `join`; others learn of it with the next tick."""
        self.participants[participant.identity] = participant
        participant.info.state = State.JOINED
        self.updates.announce(participant)
        self._was_occupied = self._was_occupied or not participant.is_agent
        self._counts.changed()
        self.exchange.welcome(participant)

    def on_active(self, participant: Participant) -> None:
        """Its media is up."""
        participant.info.state = State.ACTIVE
        self.updates.announce(participant)
        self._webhooks.participant("participant_joined", self.info, participant.info)
        self._events.on_active(self, participant)
        for track in participant.publisher.held_back:
            self.exchange.on_live(participant, track)
        participant.subscriber.report_subscribed()
        if participant.subscriber.subscriptions:
            participant.subscriber.ask(self.timings.settle_delay)

    def remove(self, participant: Participant, reason: DisconnectReason) -> None:
        """Out of the room, for whatever reason: it is told, and so is everybody else.

        When its identity joins anew, others learn of the new one only, not that the old has gone.
        """
        if self.participants.get(participant.identity) is not participant:
            return
        del self.participants[participant.identity]
        was_active = participant.info.state == State.ACTIVE
        timed_out = reason == DisconnectReason.CONNECTION_TIMEOUT
        tracks = participant.publisher.tracks
        participant.info.state = State.DISCONNECTED
        participant.info.disconnect_reason = reason
        for track in tracks:
            participant.publisher.remove(track)
        participant.data_tracks.close()
        participant.changed()
        replaced = reason == DisconnectReason.DUPLICATE_IDENTITY
        if not replaced:  # an agent that connects anew keeps its job
            self._events.on_gone(self, participant)
        if not timed_out:
            self._counts.changed()
        for track in tracks:
            self._webhooks.track("track_unpublished", self.info, participant.info, track.info)
        if not replaced:
            self.updates.repeat(participant)
        participant.send_leave(reason)
        event = "participant_left" if was_active else "participant_connection_aborted"
        self._webhooks.participant(event, self.info, participant.info)
        if timed_out:  # its last webhook still counts it
            self._counts.changed()
        self._after_removal(participant, tracks)

    def _after_removal(self, participant: Participant, tracks: list[Track]) -> None:
        for track in tracks:
            self.exchange.silence(track, delay=self.timings.unpublish_delay)
        participant.subscriber.close()
        if not participant.is_agent and all(p.is_agent for p in self.participants.values()):
            self._empty_since = time.monotonic()
        self._in_background(participant.link.close())

    def close(self, reason: DisconnectReason) -> None:
        """Everybody out, then the room is finished."""
        if self.finished:
            return
        self.finished = True
        for participant in list(self.participants.values()):
            self.remove(participant, reason)
        self._webhooks.room("room_finished", self.info)
        for tick in self._ticks:
            tick.cancel()
        self._events.on_finished(self)

    async def settled(self) -> None:
        """Ticks ended and media closed; for the end of the server."""
        await asyncio.gather(*self._ticks, *self._closing, return_exceptions=True)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    # Telling.

    def update_metadata(self, metadata: str) -> None:
        self.info.metadata = metadata
        self._counts.take()
        self.roster.send_room_update()

    def on_data(self, sender: Participant, label: str, packet: DataPacket) -> None:
        self.relay(packet, label, sender=sender)

    def relay(self, packet: DataPacket, label: str, *, sender: Participant | None) -> None:
        """Data to those it is meant for, or to all but the sender."""
        data = packet.SerializeToString()
        meant = {*packet.destination_identities, *packet.user.destination_identities}
        meant |= set(packet.user.destination_sids)
        for participant in self.participants.values():
            if participant is sender:
                continue
            if not meant or participant.identity in meant or participant.sid in meant:
                participant.channels.deliver(label, data)

    # What happens by the clock.

    def _check_silence(self) -> None:
        """Media that has fallen silent: first the client is told to resume, then it is dropped."""
        for participant in list(self.participants.values()):
            silent = participant.silent_for()
            if silent is None or silent < self.timings.silence_resume:
                participant.told_to_resume = False
            elif silent >= self.timings.silence_remove:
                self.remove(participant, DisconnectReason.CONNECTION_TIMEOUT)
            elif not participant.told_to_resume:
                participant.told_to_resume = True
                participant.send_resume()

    def _check_empty(self) -> None:
        if any(not p.is_agent for p in self.participants.values()):
            return
        timeout = self.info.departure_timeout if self._was_occupied else self.info.empty_timeout
        # The real server compares whole seconds, and so is half a second early on average.
        if time.monotonic() - self._empty_since >= (timeout - 0.5) * self.timings.room_second:
            self.close(DisconnectReason.ROOM_CLOSED)

    def _report_reception(self) -> None:
        for participant in self.participants.values():
            report = participant.publisher.report()
            if report is not None:
                participant.link.send_rtcp(report)


async def _every(seconds: float, step: Callable[[], None]) -> None:
    """At fixed distances from the start, however long the steps take."""
    start = time.monotonic()
    turn = 0
    while True:
        turn += 1
        await asyncio.sleep(max(0.0, start + turn * seconds - time.monotonic()))
        step()
