"""How long the stand-ins take, changeable while they run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.sandbox.control import read_number


@dataclass(slots=True)
class Latencies:
    """Milliseconds.

    `stt_silence_ms` is the silence that ends speech, `stt_ms` from there to the transcript,
    `tts_ms` from the release of a text to its first audio.
    """

    stt_silence_ms: float = 200
    stt_ms: float = 150
    tts_ms: float = 150

    def settings(self) -> dict[str, float]:
        return {
            "SANDBOX_STT_SILENCE_MS": self.stt_silence_ms,
            "SANDBOX_STT_MS": self.stt_ms,
            "SANDBOX_TTS_MS": self.tts_ms,
        }

    def update(self, settings: Mapping[str, Any]) -> None:
        """Takes what is its own, leaves the rest. Raises ValueError; then nothing changes."""
        silence = read_number(settings, "SANDBOX_STT_SILENCE_MS", self.stt_silence_ms, low=10)
        stt = read_number(settings, "SANDBOX_STT_MS", self.stt_ms)
        tts = read_number(settings, "SANDBOX_TTS_MS", self.tts_ms)
        self.stt_silence_ms, self.stt_ms, self.tts_ms = silence, stt, tts
