"""Who hears which track in a room: tracks that come and go, and the permissions between them."""

import asyncio
from collections.abc import Callable

from livekit.protocol.rtc import (
    PublishDataTrackRequest,
    UnpublishDataTrackRequest,
    UpdateDataSubscription,
)

from services.sandbox.livekit.counts import Counts
from services.sandbox.livekit.grants import may_publish
from services.sandbox.livekit.participant import Participant
from services.sandbox.livekit.roster import Roster
from services.sandbox.livekit.timings import Timings
from services.sandbox.livekit.tracks import Track
from services.sandbox.livekit.updates import Updates
from services.sandbox.livekit.webhooks import Webhooks


class Exchange:
    def __init__(
        self,
        roster: Roster,
        updates: Updates,
        counts: Counts,
        *,
        webhooks: Webhooks,
        timings: Timings,
        on_publisher: Callable[[Participant], None],
    ) -> None:
        """`on_publisher` is told of a participant that publishes its first track."""
        self._roster = roster
        self._updates = updates
        self._counts = counts
        self._webhooks = webhooks
        self._timings = timings
        self._on_publisher = on_publisher

    # Tracks that come.

    def on_live(self, owner: Participant, track: Track) -> None:
        """Its section is answered and its media can come: everybody is told, and offered it."""
        track.public = True
        first = not owner.info.is_publisher
        owner.info.is_publisher = True
        self._updates.announce(owner)
        if first:
            self._updates.announce(owner)
            self._on_publisher(owner)
        self._counts.changed()
        self._webhooks.track("track_published", self._roster.info, owner.info, track.info)
        for listener in self._roster.others(owner):
            self._offer(track, listener)

    def welcome(self, listener: Participant) -> None:
        """A newcomer is offered what there is."""
        for other in self._roster.others(listener):
            for track in other.publisher.tracks:
                self._offer(track, listener)
            if listener.auto_subscribe_data and listener.info.permission.can_subscribe:
                for data_track in other.data_tracks.published:
                    listener.data_tracks.subscribe(data_track)

    def _offer(self, track: Track, listener: Participant, *, asked_for: bool = False) -> None:
        owner = track.owner
        if owner is listener or owner.hidden or track.sid in listener.subscriber.subscriptions:
            return
        if not (asked_for or listener.auto_subscribe) or not listener.info.permission.can_subscribe:
            return
        if not owner.allows(listener, track.sid):
            listener.subscriber.deny(track)
            return
        listener.subscriber.subscribe(track)
        if listener.negotiated:
            listener.subscriber.ask(self._timings.renegotiate_delay)

    # Tracks that go.

    def on_given_up(self, owner: Participant, track: Track) -> None:
        """An offer has given its section up: everybody is told a little later."""
        loop = asyncio.get_running_loop()
        loop.call_later(self._timings.unpublish_delay, self._unpublish, owner, track)

    def _unpublish(self, owner: Participant, track: Track) -> None:
        if not owner.publisher.remove(track):
            return
        self._updates.announce(owner)
        self._counts.changed()
        self._webhooks.track("track_unpublished", self._roster.info, owner.info, track.info)
        self.silence(track, delay=self._timings.renegotiate_delay)

    def silence(self, track: Track, *, delay: float) -> None:
        """Nobody hears it any more. Its listeners keep its sections for `delay` seconds, in which a
        new track gets another; then they are asked for an offer without it.
        """
        asyncio.get_running_loop().call_later(delay, self._free_sections, track)

    def _free_sections(self, track: Track) -> None:
        for listener in self._roster.participants.values():
            if listener.subscriber.unsubscribe(track.sid):
                listener.subscriber.ask(0)

    # Data tracks.

    def publish_data(self, participant: Participant, request: PublishDataTrackRequest) -> None:
        track = participant.data_tracks.publish(request)
        if track is None:
            return
        self._updates.announce(participant, at_once=True)
        for other in self._roster.others(participant):
            if other.auto_subscribe_data and other.info.permission.can_subscribe:
                other.data_tracks.subscribe(track)

    def unpublish_data(self, participant: Participant, request: UnpublishDataTrackRequest) -> None:
        if participant.data_tracks.unpublish(request):
            self._updates.announce(participant, at_once=True)

    def subscribe_data(self, participant: Participant, request: UpdateDataSubscription) -> None:
        """What is not there, or not allowed, is passed over."""
        if not participant.info.permission.can_subscribe:
            return
        others = self._roster.others(participant)
        tracks = {t.info.sid: t for other in others for t in other.data_tracks.published}
        for update in request.updates:
            track = tracks.get(update.track_sid)
            if track is None:
                continue
            if update.subscribe:
                participant.data_tracks.subscribe(track)
            else:
                participant.data_tracks.unsubscribe(track)

    # What listeners ask for, and permissions.

    def subscribe(self, listener: Participant, track_sid: str, *, wanted: bool) -> None:
        """Asked for by the client: a track that is not there, or not allowed, is passed over."""
        if not wanted:
            if listener.subscriber.unsubscribe(track_sid):
                listener.subscriber.ask(self._timings.unpublish_delay)
            return
        track = self._roster.find_track(track_sid)
        if track is not None and track.incoming is not None:
            self._offer(track, listener, asked_for=True)

    def apply_audience(self, owner: Participant) -> None:
        """A publisher has changed who may listen to it."""
        for track in owner.publisher.tracks:
            for listener in self._roster.others(owner):
                if owner.allows(listener, track.sid):
                    self._offer(track, listener)
                elif listener.subscriber.unsubscribe(track.sid):
                    listener.subscriber.deny(track)
                    listener.subscriber.ask(self._timings.renegotiate_delay)

    def apply_permission(self, participant: Participant) -> None:
        """Its permission has changed: what is not allowed any more ends, what now is begins."""
        info = participant.info
        forbidden = [
            track
            for track in participant.publisher.all
            if not may_publish(info.permission, track.info.source)
        ]
        for track in forbidden:
            participant.publisher.remove(track)
            if track.public:
                self._webhooks.track("track_unpublished", self._roster.info, info, track.info)
        self._updates.announce(participant, at_once=True)
        for track in forbidden:
            participant.send_unpublished(track.sid)
            self.silence(track, delay=self._timings.renegotiate_delay)
        if forbidden and not participant.publisher.tracks:
            info.is_publisher = False
            self._updates.repeat(participant, at_once=True)  # the real server counts no version
        if info.permission.can_subscribe:
            self.welcome(participant)
        else:
            for track_sid in list(participant.subscriber.subscriptions):
                self.subscribe(participant, track_sid, wanted=False)
