"""One call in real time: join, listen, answer, and wait until the lead has arrived."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.sandbox.caller.dialogue import next_utterance
from services.sandbox.caller.failures import CallFailed
from services.sandbox.caller.gateway_client import GatewayClient, OpenedCall
from services.sandbox.caller.progress import Progress
from services.sandbox.caller.report import CallReport, ReportedTurn, Terminal
from services.sandbox.caller.room import CallRoom
from services.sandbox.caller.script import Asked, Script
from shared.runtime.tasks import cancel

# PCM16 mono, 48 kHz, of a text in a language.
Synthesise = Callable[[str, str], Awaitable[bytes]]
# The script, once the questions and the call's id are known.
ScriptOf = Callable[[tuple[Asked, ...], str], Script]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long the caller waits, in seconds."""

    agent: float = 25.0  # for an agent to come into the room, and again for its greeting
    settle: float = 0.4  # of silence while the agent listens: then it is our turn
    transcript: float = 2.0  # of silence after which words still on their way are not waited for
    reaction: float = 12.0  # for the agent to answer, before we say something again
    goodbye: float = 12.0  # for the agent to end the call when we have nothing more to say
    delivery: float = 30.0  # for N8N's answer
    turn: float = 40.0  # for each thing to say, all in all
    poll: float = 0.02


class LiveCall:
    """The conversation. `report` and `progress` fill while `run` runs."""

    def __init__(
        self,
        gateway: GatewayClient,
        voice: Synthesise,
        script_of: ScriptOf,
        terminal: Terminal,
        *,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._gateway = gateway
        self._voice = voice
        self._script_of = script_of
        self._terminal = terminal
        self._timeouts = timeouts or Timeouts()
        self._clock = asyncio.get_running_loop().time
        self._said: list[str] = []
        self._heard: list[str] = []
        self._latency_ms: int | None = None
        self._events_fault: str | None = None
        self.report = CallReport()
        self.progress = Progress()

    async def run(self, agent_id: str, language: str) -> None:
        """The whole call. Raises CallFailed; the report holds what came until then."""
        opened = await self._gateway.open_call(agent_id, language)
        self.report.call_id, self.report.language = opened.call_id, language
        script = self._script_of(await self._gateway.questions(opened.call_id), opened.call_id)
        self.report.expected = dict(script.expected())
        following = asyncio.create_task(self._follow(opened.call_id), name="call-events")
        room = CallRoom(self._terminal.grows)
        longest = self._timeouts.turn * (len(script.lines) + 3)
        try:
            async with asyncio.timeout(longest):
                await self._talk(room, opened, script)
                await self._hang_up(room)
                await self._delivered()
        except TimeoutError:
            raise CallFailed(f"the call was not over after {longest:g} s") from None
        finally:
            await room.leave()
            await cancel(following)
            self.report.lead, self.report.delivery = self.progress.lead, self.progress.delivery

    async def _follow(self, call_id: str) -> None:
        try:
            async for entry in self._gateway.events(call_id):
                self.progress.take(entry)
        except CallFailed as failure:
            self._events_fault = str(failure)
            self.progress.changed.set()

    async def _talk(self, room: CallRoom, opened: OpenedCall, script: Script) -> None:
        # Made beforehand: making them takes time in which the caller would be silent.
        speech = {line.say: await self._voice(line.say, script.language) for line in script.lines}
        began = self._clock()
        await room.join(opened)
        await self._greeted(room, began)
        while not self._over(room):
            self._note_agent_turn(room)
            utterance = next_utterance(script, self._heard, self._said)
            if utterance is None:
                return
            pcm = speech.get(utterance.text) or await self._voice(utterance.text, script.language)
            await self._say(room, utterance.text, pcm)
        self._note_agent_turn(room)

    async def _say(self, room: CallRoom, text: str, pcm: bytes) -> None:
        """Says it, and waits until the agent has answered."""
        self.report.turns.append(ReportedTurn("caller", text))
        self._said.append(text)
        hearing = room.ear.hearing
        hearing.expect()
        last_voiced = await room.microphone.say(pcm)
        if not await self._until(
            lambda: hearing.first_voiced is not None, room, self._timeouts.reaction
        ):
            self._terminal.line("        (no answer)")
            return
        self._latency_ms = round(1000 * ((hearing.first_voiced or last_voiced) - last_voiced))
        await self._our_turn(room)
        self._terminal.line(f"        ({self._latency_ms} ms)")

    async def _greeted(self, room: CallRoom, began: float) -> None:
        """Waits for the agent, its greeting, and its silence."""
        limit = self._timeouts.agent
        if not await self._until(room.agent_came.is_set, room, limit):
            reasons = "".join(f"; {notice}" for notice in self.progress.notices[-2:])
            raise CallFailed(f"no agent came within {limit:g} s{reasons}")
        hearing = room.ear.hearing
        if not await self._until(lambda: hearing.first_voiced is not None, room, limit):
            raise CallFailed(f"the agent did not greet within {limit:g} s")
        self.report.greeting_ms = round(1000 * ((hearing.first_voiced or began) - began))
        await self._our_turn(room)
        self._terminal.line(f"        (greeting after {self.report.greeting_ms} ms)")

    async def _our_turn(self, room: CallRoom) -> None:
        """Waits until the agent has finished: it listens, and nothing was heard for a while."""
        settle, late = self._timeouts.settle, self._timeouts.transcript

        def finished() -> bool:
            quiet = room.ear.hearing.quiet_for()
            settled = quiet >= settle and room.listening_for() >= settle
            return settled and (quiet >= late or not room.agent_is_writing())

        await self._until(finished, room, self._timeouts.turn)

    def _note_agent_turn(self, room: CallRoom) -> None:
        """What the agent has said since the last time becomes a turn of the report."""
        heard = room.agent_texts()
        new = heard[len(self._heard) :]
        self._heard = heard
        if new:
            self.report.turns.append(ReportedTurn("agent", " ".join(new), self._latency_ms))
        self._latency_ms = None

    async def _hang_up(self, room: CallRoom) -> None:
        """Leaves the agent the time to end the call, then leaves."""
        await self._until(lambda: self._over(room), room, self._timeouts.goodbye)
        await room.leave()

    async def _delivered(self) -> None:
        """Waits for N8N's answer to the last revision."""
        limit = self._timeouts.delivery
        try:
            async with asyncio.timeout(limit):
                while not (self.progress.ended and self.progress.settled):
                    if self._events_fault:
                        raise CallFailed(self._events_fault)
                    self.progress.changed.clear()
                    await self.progress.changed.wait()
        except TimeoutError:
            state = self.progress.delivery.get("state", "not tried yet")
            raise CallFailed(
                f"no answer from N8N to the lead within {limit:g} s: {state}"
            ) from None

    def _over(self, room: CallRoom) -> bool:
        return room.closed.is_set() or self.progress.ended is not None

    async def _until(self, check: Callable[[], bool], room: CallRoom, seconds: float) -> bool:
        """Whether `check` became true in time, while the room was open."""
        end = self._clock() + seconds
        while not check():
            if self._clock() > end or room.closed.is_set():
                return False
            await asyncio.sleep(self._timeouts.poll)
        return True
