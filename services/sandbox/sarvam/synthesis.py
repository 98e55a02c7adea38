"""What a request for synthesised speech may ask of bulbul:v3, and the speech itself."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.sandbox.sarvam import spelling
from services.sandbox.speech import Espeak, pcm
from services.sandbox.speech.voices import espeak_voice, words_a_minute
from services.sandbox.speech.wording import spoken
from shared.voices import DEFAULT_VOICE, VOICES

MODEL: Final = "bulbul:v3"
RATES: Final = (8000, 16000, 22050, 24000)
DEFAULT_RATE: Final = 22050
CODECS: Final = ("mp3", "wav", "linear16", "mulaw", "alaw", "opus", "flac", "aac")


class Rejected(Exception):
    """A request that Sarvam refuses.

    `code` is 422 for a wrong field; else None, and the message begins with its status.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    @property
    def status(self) -> int:
        """The HTTP status that stands for it."""
        return self.code or 400

    def data(self, request_id: str) -> dict[str, Any]:
        """The `data` of an error message on a socket."""
        code = {} if self.code is None else {"code": self.code}
        return {"message": self.message, **code, "request_id": request_id}


@dataclass(frozen=True, slots=True)
class VoiceRequest:
    """What was asked for, checked. `pace` 1.0 is normal, `rate` in hertz."""

    language: str
    speaker: str
    pace: float
    rate: int
    codec: str
    min_buffer: int

    async def speak(self, espeak: Espeak, text: str) -> bytes:
        """PCM16 mono at `rate`; nothing for a text without words. Raises SpeechUnavailable."""
        if not any(letter.isalnum() for letter in text):
            return b""
        voice = espeak_voice(spelling.ours(self.language), self.speaker)
        speech = await espeak.synthesise(spoken(text), voice, words_a_minute(self.pace))
        return await asyncio.to_thread(_at_rate, speech.pcm, speech.rate, self.rate)


def _at_rate(audio: bytes, rate: int, wanted: int) -> bytes:
    return pcm.pcm16(pcm.resample(pcm.samples(audio).astype(float), rate, wanted))


def read_voice(data: Mapping[str, Any], *, codecs: tuple[str, ...], codec: str) -> VoiceRequest:
    """Checks a configuration as it comes on the wire. Raises Rejected.

    `codecs` are those that the endpoint can send, `codec` the one when none is named.
    """
    model = data.get("model") or MODEL
    if model != MODEL:
        raise Rejected(f"400: Model '{model}' is not available. Use {MODEL}.")
    language = data.get("target_language_code")
    if language not in spelling.SYNTHESIS:
        raise Rejected(
            f"target_language_code: Input should be {', '.join(sorted(spelling.SYNTHESIS))}", 422
        )
    speaker = str(data.get("speaker") or DEFAULT_VOICE).lower()
    if speaker not in VOICES[MODEL]:
        raise Rejected(f"400: Speaker '{speaker}' is not compatible with model {MODEL}")
    _number(data, "temperature", 0.6, 0.01, 2.0)
    _number(data, "max_chunk_length", 150, 50, 500)
    return VoiceRequest(
        language=str(language),
        speaker=speaker,
        pace=_number(data, "pace", 1.0, 0.5, 2.0),
        rate=_rate(data.get("speech_sample_rate")),
        codec=_codec(data.get("output_audio_codec") or codec, codecs),
        min_buffer=int(_number(data, "min_buffer_size", 50, 30, 200)),
    )


def _rate(value: Any) -> int:
    for rate in RATES:
        if value in (rate, str(rate)):
            return rate
    if value is None:
        return DEFAULT_RATE
    raise Rejected(f"speech_sample_rate: Input should be {', '.join(map(str, RATES))}", 422)


def _codec(value: Any, codecs: tuple[str, ...]) -> str:
    if value not in CODECS:
        raise Rejected(f"output_audio_codec: Input should be {', '.join(CODECS)}", 422)
    if value not in codecs:
        raise Rejected(
            f"output_audio_codec: this simulator sends {' and '.join(codecs)} only, not {value}",
            422,
        )
    return str(value)


def _number(data: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = data.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Rejected(f"{name}: Input should be between {low:g} and {high:g}", 422)
    return float(value)
