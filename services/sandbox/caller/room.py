"""The caller in the room: its microphone, its ear, the agent's state, both sides' transcripts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from livekit import rtc
from livekit.rtc.participant import PublishTrackError

from services.sandbox.caller.ear import Ear
from services.sandbox.caller.failures import CallFailed
from services.sandbox.caller.gateway_client import OpenedCall
from services.sandbox.caller.microphone import Microphone
from shared.runtime.tasks import cancel

TRANSCRIPTS: Final = "lk.transcription"
SEGMENT: Final = "lk.segment_id"
TRACK: Final = "lk.transcribed_track_id"
IS_FINAL: Final = "lk.transcription_final"
STATE: Final = "lk.agent.state"
CONNECT_S: Final = 15.0
AGENT: Final = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT


@dataclass(slots=True)
class Segment:
    """Something that was said, as its transcript grows. `who` is caller or agent."""

    who: str
    text: str = ""
    open: bool = True


@dataclass(slots=True)
class _Seen:
    segments: dict[str, Segment] = field(default_factory=dict)
    agent: str = ""
    state: str = ""
    state_since: float = 0.0


class CallRoom:
    """One call. `on_text` is told of each piece of transcript: segment id and segment."""

    def __init__(self, on_text: Callable[[str, Segment], None]) -> None:
        self._room = rtc.Room()
        self._on_text = on_text
        self._clock = asyncio.get_running_loop().time
        self._seen = _Seen()
        self._readers: set[asyncio.Task[None]] = set()
        self.microphone = Microphone()
        self.ear = Ear()
        self.closed = asyncio.Event()
        self.agent_came = asyncio.Event()

    async def join(self, opened: OpenedCall) -> None:
        """Connects and publishes the microphone. Raises CallFailed."""
        self._room.on("participant_connected", self._met)
        self._room.on("participant_disconnected", self._lost)
        self._room.on("participant_attributes_changed", self._attributes_changed)
        self._room.on("track_subscribed", self._subscribed)
        self._room.on("disconnected", lambda _: self.closed.set())
        self._room.register_text_stream_handler(TRANSCRIPTS, self._transcript)
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._room.connect(opened.livekit_url, opened.token)
                self.microphone.start()
                await self._room.local_participant.publish_track(
                    self.microphone.track,
                    rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE),
                )
        except TimeoutError:
            raise CallFailed(f"no connection to LiveKit within {CONNECT_S:g} s") from None
        except (rtc.ConnectError, PublishTrackError) as error:
            raise CallFailed(f"LiveKit at {opened.livekit_url} refuses the call: {error}") from None
        for participant in self._room.remote_participants.values():
            self._met(participant)

    async def leave(self) -> None:
        await self._room.disconnect()
        await self.microphone.stop()
        await self.ear.stop()
        await cancel(*self._readers)

    @property
    def state(self) -> str:
        """lk.agent.state: initializing, listening, thinking, speaking; empty without an agent."""
        return self._seen.state

    def listening_for(self) -> float:
        """Seconds since the agent began to listen; 0 when it does something else."""
        return self._clock() - self._seen.state_since if self.state == "listening" else 0.0

    def agent_texts(self) -> list[str]:
        """What the agent has said so far, in order."""
        return [each.text for each in self._agent_segments() if each.text]

    def agent_is_writing(self) -> bool:
        """Whether a transcript of the agent's words is still growing."""
        return any(each.open for each in self._agent_segments())

    def _agent_segments(self) -> list[Segment]:
        return [each for each in self._seen.segments.values() if each.who == "agent"]

    def _met(self, participant: rtc.RemoteParticipant) -> None:
        if participant.kind == AGENT:
            self._seen.agent = participant.identity
            self.agent_came.set()
            self._note_state(participant.attributes.get(STATE, ""))

    def _lost(self, participant: rtc.RemoteParticipant) -> None:
        """An agent that has died does not listen; its successor is another participant."""
        if participant.identity == self._seen.agent:
            self._note_state("")

    def _attributes_changed(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        if participant.identity == self._seen.agent and STATE in changed:
            self._note_state(changed[STATE])

    def _note_state(self, state: str) -> None:
        if state != self._seen.state:
            self._seen.state, self._seen.state_since = state, self._clock()

    def _subscribed(
        self,
        track: rtc.Track,
        _: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO and participant.kind == AGENT:
            self.ear.listen(track)

    def _transcript(self, reader: rtc.TextStreamReader, identity: str) -> None:
        task = asyncio.create_task(self._read(reader, identity), name="transcript")
        self._readers.add(task)
        task.add_done_callback(self._readers.discard)

    async def _read(self, reader: rtc.TextStreamReader, identity: str) -> None:
        """One stream: a growing segment of the agent, or one version of the caller's words."""
        attributes = reader.info.attributes or {}
        own = identity == self._room.local_participant.identity or (
            attributes.get(TRACK, "") in self._room.local_participant.track_publications
        )
        segment_id = attributes.get(SEGMENT) or reader.info.stream_id
        segment = self._seen.segments.setdefault(segment_id, Segment("caller" if own else "agent"))
        segment.open, text = True, ""
        try:
            async for piece in reader:
                text += piece
                segment.text = text.strip()
                self._on_text(segment_id, segment)
        except ConnectionError:
            pass  # the room closed in the middle: what came until then counts
        segment.open = own and attributes.get(IS_FINAL) != "true"
        self._on_text(segment_id, segment)
