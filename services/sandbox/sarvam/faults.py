"""The faults of a speech service: sockets that close, freeze or refuse, transcripts that are lost.

- `refuse`: at connect. The realtime and the legacy socket close with `code` (1003), what speaks
  HTTP answers with status `code` (403).
- `close`, `reset`, `freeze`, `error`: after `ms` of an utterance, or of speech sent. The socket
  closes with `code` (1000); its connection is cut; it answers nothing any more; it reports an error
  of the service. In a shorter utterance the fault comes as it ends.
- `drop_final`: the transcript, or the end of synthesised speech, is never sent.
- `slow`: the transcript, the first audio or the answer comes `ms` later.

`path` is one of PATHS.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from services.sandbox.faults import FaultInjector, InjectedFault

KINDS: Final = ("refuse", "close", "reset", "freeze", "error", "drop_final", "slow")
MID_STREAM: Final = ("close", "reset", "freeze", "error")
PATHS: Final = ("realtime", "legacy", "tts", "rest")
_DEFAULT_MS: Final = 300
_CODES: Final = range(100, 5000)


class SpeechFault(InjectedFault):
    """`code`: a WebSocket close code or an HTTP status (None: the kind's own)."""

    code: int | None = None


class SpeechFaults:
    """The faults that are set, replaced as a whole."""

    def __init__(self) -> None:
        self._faults = FaultInjector(KINDS, SpeechFault)

    def set(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Raises ValueError, naming what is wrong; then nothing changes."""
        for each in faults:
            path, code = each.get("path"), each.get("code")
            if path is not None and path not in PATHS:
                raise ValueError(f"fault path {path!r}: one of {', '.join(PATHS)}")
            if isinstance(code, int) and code not in _CODES:
                raise ValueError(f"fault code {code}: a close code or an HTTP status")
        self._faults.set([{"ms": _DEFAULT_MS, **each} for each in faults])

    def list(self) -> list[dict[str, Any]]:
        return self._faults.list()

    def refusal(self, path: str) -> SpeechFault | None:
        return self._pick(path, "refuse")

    def mid_stream(self, path: str) -> SpeechFault | None:
        """The fault of the utterance or the text that begins now."""
        return self._pick(path, *MID_STREAM)

    def drops_final(self, path: str) -> bool:
        return self._pick(path, "drop_final") is not None

    def delay_s(self, path: str) -> float:
        """Seconds that an answer is late."""
        fault = self._pick(path, "slow")
        return fault.ms / 1000 if fault else 0.0

    def _pick(self, path: str, *kinds: str) -> SpeechFault | None:
        return cast("SpeechFault | None", self._faults.pick(path, kinds))
