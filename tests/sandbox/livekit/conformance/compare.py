"""A replay against its recording: message types, order, telling fields and times."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.sandbox.livekit.timings import Timings
from tests.sandbox.livekit.conformance import kinds as kinds_of
from tests.sandbox.livekit.conformance.hooks import slim
from tests.sandbox.livekit.conformance.recording import Line, Recording
from tests.sandbox.livekit.conformance.sequences import (
    aligned,
    arrivals,
    cause as cause_of,
    count,
    described,
    from_server,
    is_farewell,
    is_own_end,
    once,
    settled,
)
from tests.sandbox.livekit.conformance.ticks import candidates, quality, rooms, speakers, ticked
from tests.sandbox.livekit.conformance.values import Ids, differences

_TOLERANCE_MS = 1200
_CLIENT_TOLERANCE_MS = 3000  # a client that is asked for something takes its time on a busy machine


def _is_told(line: Line) -> bool:
    """By the client itself, or by a page, of which every call is noted too."""
    called = line.channel.startswith("sdk:web") and line.kind.endswith((" ok", " ERROR"))
    return called or line.kind in kinds_of.CLIENT | kinds_of.PAGE


@dataclass(frozen=True)
class Rules:
    """How a flow is compared."""

    whole: bool = False
    """The recording keeps every message of its signal sockets; else kinds that it shows count."""
    browser: bool = False
    """A browser takes part."""
    tolerance_ms: int = _TOLERANCE_MS
    """Of what the server does by the clock."""
    speech: int = 2
    """How many beginnings and ends of speech are compared: later ones follow the sound."""
    timings: Timings | None = None
    """Other waits of the server than the real ones."""
    counts: bool = True
    """False: a few milliseconds decided which counts of the room its webhooks show."""


class Comparison:
    """`run()` gives one line a difference, with the line of the recording."""

    def __init__(self, recording: Recording, lines: Sequence[Line], rules: Rules) -> None:
        self._recording = recording
        self._expected = recording.lines
        self._got = list(lines)
        self._rules = rules
        self._ids = Ids()
        self._dropped = dict(recording.dropped)
        self._forgiven: set[int] = set()
        self._found: list[str] = []

    def run(self) -> list[str]:
        for channel, prepare in (("webhook", settled), ("twirp", list), ("http", once)):
            if expected := self._of(channel):
                self._sequence(channel, prepare(expected), prepare(self._ours(channel)))
        for channel in self._channels("agent:"):
            kinds = frozenset(("register", "availability", "assignment", "termination"))
            self._kinds(channel, kinds, strict=True)
            self._pings(channel)
        for channel in self._channels("rtc:"):
            self._signal(channel)
        for channel in self._channels("dc:"):
            self._sequence(channel, self._of(channel), self._ours(channel))
        for channel in self._channels("sdk:"):
            self._client(channel)
        return list(dict.fromkeys(self._found))

    # Which lines.

    def _channels(self, prefix: str) -> list[str]:
        named = [line.channel for line in self._expected if line.channel.startswith(prefix)]
        if self._rules.whole and prefix == "rtc:":
            named += [line.channel for line in self._got if line.channel.startswith(prefix)]
        return list(dict.fromkeys(named))

    def _of(self, channel: str) -> list[Line]:
        return from_server(self._expected, channel)

    def _ours(self, channel: str) -> list[Line]:
        return from_server(self._got, channel)

    # Channels.

    def _signal(self, channel: str) -> None:
        expected, got = self._of(channel), self._ours(channel)
        shown = {line.kind for line in expected}
        kinds = shown | ({line.kind for line in got} if self._rules.whole else set())
        for group in kinds_of.BROWSER_GROUPS if self._rules.browser else kinds_of.GROUPS:
            self._kinds(channel, group & kinds, strict=True)
        if "update" in kinds:
            self._ticks(channel)
        self._report_all(channel, speakers(expected, got, self._rules.speech))
        self._report_all(channel, quality(self._ids, expected, got))
        self._report_all(channel, rooms(self._ids, expected, got))
        self._tokens(channel, expected, got)
        self._trickles(channel, expected, got)
        self._answers_pings(channel, got)
        self._pings(channel)
        self._ends(channel, expected, got)
        unknown = kinds - kinds_of.FREE - frozenset().union(*kinds_of.GROUPS)
        for kind in sorted(unknown):
            self._kinds(channel, frozenset((kind,)), strict=True)

    def _kinds(self, channel: str, kinds: frozenset[str], *, strict: bool) -> None:
        expected = [line for line in self._of(channel) if line.kind in kinds and not ticked(line)]
        got = [line for line in self._ours(channel) if line.kind in kinds and not ticked(line)]
        if not any(line.kind == "leave" for line in expected):
            # Whether the answer to a client's leave is still seen depends on who closes first.
            got = [line for line in got if not is_farewell(line)]
        self._sequence(channel, expected, got, strict=strict)

    def _ticks(self, channel: str) -> None:
        expected, got = arrivals(self._of(channel)), arrivals(self._ours(channel))
        for identity in dict.fromkeys([*expected, *got]):
            self._sequence(f"{channel} ticks", expected.get(identity, []), got.get(identity, []))

    def _client(self, channel: str) -> None:
        expected = [line for line in self._expected if line.channel == channel]
        got = [line for line in self._got if line.channel == channel]
        shown = [*expected, *got] if self._rules.whole else expected
        for kind in sorted({line.kind for line in shown if _is_told(line)}):
            theirs = [line for line in expected if line.kind == kind and not is_own_end(line)]
            ours = [line for line in got if line.kind == kind and not is_own_end(line)]
            if kind == "first_loud_audio":
                ours = ours[: len(theirs)]
            self._sequence(channel, theirs, ours, strict=self._rules.whole)

    def _answers_pings(self, channel: str, got: list[Line]) -> None:
        asked = [line for line in self._got if (line.channel, line.kind) == (channel, "ping_req")]
        answered = [line for line in got if line.kind == "pong_resp"]
        if len(answered) < len(asked) - 1:  # the last may have come too late
            self._report(channel, f"{len(asked)} times ping_req, {len(answered)} times pong_resp")

    def _tokens(self, channel: str, expected: list[Line], got: list[Line]) -> None:
        theirs = [line for line in expected if line.kind == "refresh_token"]
        ours = [line for line in got if line.kind == "refresh_token"]
        if theirs:
            self._sequence(channel, theirs, ours[: len(theirs)])
        if self._rules.whole and theirs:
            self._number(channel, "refresh_token")

    def _number(self, channel: str, kind: str) -> None:
        """Over all sockets of one participant, with those that the recording counts only."""
        name = channel.partition("#")[0]
        theirs, ours = (count(lines, name, kind) for lines in (self._expected, self._got))
        theirs += self._recording.dropped.get(f"{name} s>c {kind}", 0)
        if theirs != ours:
            self._report(channel, f"expected {theirs} times {kind}, got {ours}")

    def _trickles(self, channel: str, expected: list[Line], got: list[Line]) -> None:
        """How many there are is the machine's affair; the first comes after the first answer."""
        theirs = next((line for line in expected if line.kind == "trickle"), None)
        if theirs is None:
            return
        kinds = [line.kind for line in got]
        if "trickle" not in kinds or kinds.index("trickle") < kinds.index("answer"):
            self._report(channel, "no trickle after the answer", theirs)
            return
        for text in candidates(theirs, got[kinds.index("trickle")]):
            self._report(channel, text, theirs)

    def _pings(self, channel: str) -> None:
        expected = [line for line in self._of(channel) if line.kind == "ws-ping"]
        got = [line for line in self._ours(channel) if line.kind == "ws-ping"]
        if expected and not got:
            self._report(channel, "no WebSocket ping", expected[0])
        elif expected and abs(expected[0].t_ms - got[0].t_ms) > _TOLERANCE_MS:
            self._report(channel, f"first ws-ping at {got[0].t_ms} ms", expected[0])

    def _ends(self, channel: str, expected: list[Line], got: list[Line]) -> None:
        theirs = [line for line in expected if line.kind == "ws-eof"]
        ours = [line for line in got if line.kind == "ws-eof"]
        if theirs and not ours:
            self._report(channel, "the server has not closed the socket", theirs[0])
        elif theirs and theirs[0].body != ours[0].body:
            self._report(
                channel, f"closed with {ours[0].body}, expected {theirs[0].body}", theirs[0]
            )

    # Sequences.

    def _sequence(
        self,
        channel: str,
        expected: Sequence[Line],
        got: Sequence[Line],
        *,
        strict: bool = True,
    ) -> None:
        """`strict`: nothing may come between."""
        for theirs, ours in aligned(expected, got):
            if theirs is None:
                assert ours is not None
                if strict and not self._was_dropped(ours):
                    self._report(channel, f"unexpected {described(ours)}", at=ours)
            elif ours is None:
                self._report(channel, f"missing {described(theirs)}", theirs)
            else:
                self._pair(channel, theirs, ours)

    def _time(self, channel: str, theirs: Line, ours: Line) -> None:
        """What has a clock of the server's is measured from its cause, the rest on the script's."""
        cause, our_cause = cause_of(self._expected, theirs), cause_of(self._got, ours)
        if cause is not None and our_cause is not None:
            expected, got = theirs.t_ms - cause.t_ms, ours.t_ms - our_cause.t_ms
            if abs(got - expected) > self._rules.tolerance_ms:
                text = f"{described(theirs)} {got} ms after {cause.kind}, expected {expected} ms"
                self._report(channel, text, theirs)
        elif abs(ours.t_ms - theirs.t_ms) > _CLIENT_TOLERANCE_MS:
            text = f"{described(theirs)} at {ours.t_ms} ms, expected at {theirs.t_ms} ms"
            self._report(channel, text, theirs)

    def _is_chance(self, line: Line, text: str) -> bool:
        where = text.partition(":")[0]
        if where.endswith(".candidates"):
            # With an ICE restart some are gathered in time for the answer and some are not.
            return any(other.kind == "reconnect" for other in self._of(line.channel))
        if where.startswith(("room.numP", "response.rooms[0].num_p")):
            return not self._rules.counts
        # The Python client reads the old value when it may already be the new one.
        return line.kind == "participant_metadata_changed" and where == "[1]"

    def _was_dropped(self, line: Line) -> bool:
        """The recording's last line counts messages that it leaves out."""
        name = f"{line.channel.partition('#')[0]} {line.direction} {line.kind}"
        if line.number not in self._forgiven and self._dropped.get(name, 0) > 0:
            self._dropped[name] -= 1
            self._forgiven.add(line.number)
        return line.number in self._forgiven

    def _pair(self, channel: str, theirs: Line, ours: Line) -> None:
        body = ours.body
        if (
            isinstance(theirs.body, dict)
            and theirs.body.get("slim")
            and theirs.channel == "webhook"
        ):
            body = slim(ours.body)
        if theirs.kind == "connect_failed":  # the recordings cut long texts
            length = len(theirs.body["error"])
            body = {"error": ours.body["error"][:length]}
        for text in differences(self._ids, theirs.body, body):
            if self._is_chance(theirs, text):
                continue
            self._report(channel, f"{theirs.kind} {text}", theirs, at=ours)
        for key, value in theirs.extra.items():
            if ours.extra.get(key) != value:
                text = f"{theirs.kind} {key}: expected {value!r}, got {ours.extra.get(key)!r}"
                self._report(channel, text, theirs, at=ours)
        self._time(channel, theirs, ours)

    def _report_all(self, channel: str, texts: Iterable[str]) -> None:
        for text in texts:
            self._report(channel, text)

    def _report(
        self, channel: str, text: str, line: Line | None = None, *, at: Line | None = None
    ) -> None:
        where = f"line {line.number}" if line else "no line"
        when = f" (seen at {at.t_ms} ms)" if at else ""
        self._found.append(f"{self._recording.name} {where}, {channel}: {text}{when}")
