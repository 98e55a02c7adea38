"""A room: who is in it, who is told what when, and when it ends."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from livekit.protocol import models
from livekit.protocol.models import DataPacket, DisconnectReason, ParticipantInfo
from livekit.protocol.room import RoomConfiguration
from livekit.protocol.rtc import RoomUpdate, SignalResponse

from services.sandbox.livekit.participant import Participant, State
from services.sandbox.livekit.protocol import audio_codecs, new_sid
from services.sandbox.livekit.quality import Quality
from services.sandbox.livekit.speakers import Speakers
from services.sandbox.livekit.timings import Timings
from services.sandbox.livekit.tracks import Track
from services.sandbox.livekit.updates import Updates
from services.sandbox.livekit.webhooks import Webhooks

if TYPE_CHECKING:
    from collections.abc import Awaitable

EMPTY_TIMEOUT = 300  # seconds in which somebody must come
DEPARTURE_TIMEOUT = 20  # seconds after the last standard participant has gone


class Room:
    """Made by Rooms. Everything here happens at once, in one turn of the loop; only media waits."""

    def __init__(
        self,
        name: str,
        config: RoomConfiguration,
        *,
        timings: Timings,
        webhooks: Webhooks,
        now: float,
        on_agent_gone: Callable[[Participant], None],
        on_finished: Callable[["Room"], None],
    ) -> None:
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
        self.participants: dict[str, Participant] = {}
        """By identity, in the order in which they came."""
        self.timings = timings
        self._webhooks = webhooks
        self._on_agent_gone = on_agent_gone
        self._on_finished = on_finished
        self._updates = Updates(self)
        self._speakers = Speakers(self)
        self._quality = Quality(self)
        self._empty_since = time.monotonic()
        self._was_occupied = False
        self._counted_at = time.monotonic()
        self.finished = False
        self._closing: set[asyncio.Task[None]] = set()
        self._ticks = [
            asyncio.create_task(_every(seconds, step))
            for seconds, step in (
                (timings.update_tick, self._updates.flush),
                (timings.count_tick, self._count_step),
                (timings.speaker_tick, self._speakers.judge),
                (timings.silence_check, self._check_silence),
                (timings.room_check, self._check_empty),
                (timings.room_check, self._report_reception),
            )
        ]

    @property
    def name(self) -> str:
        return self.info.name

    def others(self, participant: Participant) -> list[Participant]:
        return [p for p in self.participants.values() if p is not participant]

    def visible_to(self, participant: Participant) -> list[ParticipantInfo]:
        return [p.info for p in self.others(participant) if not p.hidden]

    def is_full_for(self, participant_identity: str, *, agent: bool) -> bool:
        """Agents neither count nor are turned away; the same identity replaces itself."""
        limit = self.info.max_participants
        if not limit or agent or participant_identity in self.participants:
            return False
        return sum(1 for p in self.participants.values() if not p.is_agent) >= limit

    def find_track(self, track_sid: str) -> Track | None:
        tracks = (p.publisher.find(track_sid) for p in self.participants.values())
        return next((track for track in tracks if track is not None), None)

    # Coming and going.

    def add(self, participant: Participant) -> None:
        """It has been told `join`; others learn of it with the next tick."""
        self.participants[participant.identity] = participant
        participant.info.state = State.JOINED
        participant.changed()
        self._updates.announce(participant)
        if not participant.is_agent:
            self._was_occupied = True
        for other in self.others(participant):
            for track in other.publisher.tracks:
                self._offer_track(track, participant)

    def on_active(self, participant: Participant) -> None:
        """Its media is up."""
        participant.info.state = State.ACTIVE
        participant.changed()
        self._updates.announce(participant)
        self._webhooks.participant("participant_joined", self.info, participant.info)
        participant.subscriber.report_subscribed()

    def remove(self, participant: Participant, reason: DisconnectReason) -> None:
        """Out of the room, for whatever reason: it is told, and so is everybody else."""
        if self.participants.get(participant.identity) is not participant:
            return
        del self.participants[participant.identity]
        was_active = participant.info.state == State.ACTIVE
        tracks = participant.publisher.tracks
        participant.info.state = State.DISCONNECTED
        participant.info.disconnect_reason = reason
        for track in tracks:
            participant.publisher.remove(track)
        participant.changed()
        if self._counts_are_old():
            self._count()
        for track in tracks:
            self._webhooks.track("track_unpublished", self.info, participant.info, track.info)
        self._updates.announce(participant)
        participant.say_leave(reason)
        event = "participant_left" if was_active else "participant_connection_aborted"
        self._webhooks.participant(event, self.info, participant.info)
        for track in tracks:
            self._silence(track)
        participant.subscriber.close()
        if participant.is_agent:
            self._on_agent_gone(participant)
        if all(p.is_agent for p in self.participants.values()):
            self._empty_since = time.monotonic()
        self._in_background(participant.link.close())

    def replace(self, participant: Participant) -> None:
        """Its identity joins anew: others are told of the new one, not that the old has gone."""
        self._updates.forget(participant)
        self.remove(participant, DisconnectReason.DUPLICATE_IDENTITY)
        self._updates.expect_successor(participant)

    # Tracks.

    def on_live(self, tracks: list[Track]) -> None:
        """Announced tracks whose section has now been answered."""
        for track in tracks:
            owner = track.owner
            first = not owner.info.is_publisher
            owner.info.is_publisher = True
            owner.changed()
            self._updates.announce(owner)
            if first:
                owner.changed()
                self._updates.announce(owner)
            self._webhooks.track("track_published", self.info, owner.info, track.info)
            for other in self.others(owner):
                self._offer_track(track, other)

    def _offer_track(self, track: Track, listener: Participant, *, by_hand: bool = False) -> None:
        if track.owner is listener or track.sid in listener.subscriber.subscriptions:
            return
        if not (by_hand or listener.auto_subscribe) or not listener.info.permission.can_subscribe:
            return
        if not track.owner.allows(listener, track):
            listener.subscriber.deny(track)
            return
        listener.subscriber.subscribe(track)
        if listener.negotiated:
            listener.subscriber.ask(self.timings.renegotiate_delay)

    def on_given_up(self, tracks: list[Track]) -> None:
        """Their sections were given up by an offer: everybody is told a little later."""
        loop = asyncio.get_running_loop()
        for track in tracks:
            loop.call_later(self.timings.unpublish_delay, self._unpublish, track)

    def _unpublish(self, track: Track, *, told_by_server: bool = False) -> None:
        if not track.owner.publisher.remove(track):
            return
        owner = track.owner
        owner.changed()
        self._updates.announce(owner)
        if told_by_server:
            owner.say_unpublished(track)
        self._webhooks.track("track_unpublished", self.info, owner.info, track.info)
        self._silence(track, delay=self.timings.renegotiate_delay)

    def _silence(self, track: Track, delay: float | None = None) -> None:
        """Nobody listens to it any more; each listener is asked for an offer without it."""
        wait = self.timings.unpublish_delay if delay is None else delay
        for subscription in list(track.subscriptions):
            listener = subscription.listener
            listener.subscriber.unsubscribe(track.sid)
            listener.subscriber.ask(wait)

    def subscribe(self, listener: Participant, track_sid: str, *, wanted: bool) -> None:
        """By hand: a track that is not there, or not allowed, is passed over."""
        if not wanted:
            if listener.subscriber.unsubscribe(track_sid):
                listener.subscriber.ask(self.timings.unpublish_delay)
            return
        track = self.find_track(track_sid)
        if track is not None and track.incoming is not None:
            self._offer_track(track, listener, by_hand=True)

    def apply_audience(self, owner: Participant) -> None:
        """A publisher has changed who may listen to it."""
        for track in owner.publisher.tracks:
            for listener in self.others(owner):
                if owner.allows(listener, track):
                    self._offer_track(track, listener)
                elif listener.subscriber.unsubscribe(track.sid):
                    listener.subscriber.deny(track)
                    listener.subscriber.ask(self.timings.renegotiate_delay)

    # Permissions and metadata.

    def update_metadata(self, metadata: str) -> None:
        self.info.metadata = metadata
        self._tell_room()

    def announce(self, participant: Participant) -> None:
        """Something about it has changed: one more version, told at once."""
        participant.changed()
        self._updates.announce(participant, at_once=True)

    def revoke_publishing(self, participant: Participant, tracks: list[Track]) -> None:
        """Tracks that the participant may not publish any more."""
        for track in tracks:
            self._unpublish(track, told_by_server=True)
        if tracks and not participant.publisher.tracks:
            participant.info.is_publisher = False
            self._updates.announce(participant, at_once=True)

    def apply_subscribing(self, listener: Participant) -> None:
        """The listener's permission has changed."""
        if not listener.info.permission.can_subscribe:
            for track_sid in list(listener.subscriber.subscriptions):
                self.subscribe(listener, track_sid, wanted=False)
            return
        for other in self.others(listener):
            for track in other.publisher.tracks:
                self._offer_track(track, listener)

    # Data.

    def relay(self, packet: DataPacket, label: str, *, sender: Participant | None) -> None:
        """To those it is meant for, or to all but the sender."""
        data = packet.SerializeToString()
        meant = set(packet.destination_identities)
        for participant in self.participants.values():
            if participant is sender or (meant and participant.identity not in meant):
                continue
            participant.channels.deliver(label, data)

    # What happens by the clock.

    def _counts_are_old(self) -> bool:
        return time.monotonic() - self._counted_at >= self.timings.count_tick

    def _count_step(self) -> None:
        self._count()
        self._quality.judge()

    def _count(self) -> None:
        """Agents are not counted among the participants, but among those who publish."""
        self._counted_at = time.monotonic()
        present = [p for p in self.participants.values() if not p.hidden]
        people = sum(1 for p in present if not p.is_agent)
        publishers = sum(1 for p in present if p.info.is_publisher)
        if (people, publishers) != (self.info.num_participants, self.info.num_publishers):
            self.info.num_participants, self.info.num_publishers = people, publishers
            self._tell_room()

    def _tell_room(self) -> None:
        message = SignalResponse(room_update=RoomUpdate(room=self.info))
        for participant in self.participants.values():
            participant.send(message)

    def _check_silence(self) -> None:
        for participant in list(self.participants.values()):
            self._judge_silence(participant)

    def _judge_silence(self, participant: Participant) -> None:
        silent = participant.silent_for()
        if silent is None or silent < self.timings.silence_resume:
            participant.told_to_resume = False
        elif silent >= self.timings.silence_remove:
            self.remove(participant, DisconnectReason.CONNECTION_TIMEOUT)
        elif not participant.told_to_resume:
            participant.told_to_resume = True
            participant.say_resume()

    def _check_empty(self) -> None:
        if any(not p.is_agent for p in self.participants.values()):
            return
        timeout = self.info.departure_timeout if self._was_occupied else self.info.empty_timeout
        if time.monotonic() - self._empty_since >= timeout * self.timings.room_second:
            self.close(DisconnectReason.ROOM_CLOSED)

    def _report_reception(self) -> None:
        for participant in self.participants.values():
            report = participant.publisher.report()
            if report is not None:
                participant.link.send_rtcp(report)

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
        self._on_finished(self)

    def _in_background(self, work: "Awaitable[None]") -> None:
        task = asyncio.ensure_future(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    @property
    def busy(self) -> bool:
        """Whether a link of it is still being closed."""
        return bool(self._closing)

    async def settled(self) -> None:
        """Ticks ended and sockets closed; for the end of the server."""
        await asyncio.gather(*self._ticks, *self._closing, return_exceptions=True)


async def _every(seconds: float, step: Callable[[], None]) -> None:
    """At fixed distances from the start, however long the steps take."""
    start = time.monotonic()
    turn = 0
    while True:
        turn += 1
        await asyncio.sleep(max(0.0, start + turn * seconds - time.monotonic()))
        step()
