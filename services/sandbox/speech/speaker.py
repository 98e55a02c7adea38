"""What callers of the sandbox say: synthesised, marked with an id, and registered."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from services.sandbox.speech import pcm
from services.sandbox.speech.espeak import Espeak, Speech
from services.sandbox.speech.pcm import Audio
from services.sandbox.speech.registry import Phrase, Registry
from services.sandbox.speech.tag.embed import active_level, embed
from services.sandbox.speech.voices import DEFAULT_WORDS_A_MINUTE, espeak_voice
from services.sandbox.speech.wording import spoken

RATES: Final = (8000, 16000, 22050, 24000, 48000)
CALLER_VOICE: Final = "priya"
LONGEST_S: Final = 30.0  # beyond it an agent no longer keeps an utterance whole
LONGEST_TEXT: Final = 1000  # characters
PAUSE_MARK: Final = "…"  # in a text: a pause of `pause_s`, as by somebody who thinks
# Of 22 sentences with a comma, an eager voice detector (96 ms) split 9 at pauses of 0.25 s, 5 at
# 0.15 s and 1 at 0.10 s. Where a split is wanted, PAUSE_MARK makes it.
LONGEST_PAUSE_S: Final = 0.10
_LEVEL: Final = 3000.0  # RMS of 32768 while speaking, -21 dBFS: an ordinary caller
_PEAK: Final = 30000.0
_SILENT: Final = 0.01  # of the peak


@dataclass(frozen=True, slots=True)
class Said:
    """`pcm` is PCM16 mono at `sample_rate`; `seconds` its length, as registered under `id`."""

    id: int
    text: str
    language: str
    seconds: float
    sample_rate: int
    pcm: bytes

    def wav(self) -> bytes:
        return pcm.wav(self.pcm, self.sample_rate)


class Speaker:
    """Gives callers a voice that the stand-in for speech recognition understands."""

    def __init__(self, espeak: Espeak, registry: Registry) -> None:
        self._espeak = espeak
        self._registry = registry

    async def say(
        self,
        text: str,
        language: str,
        *,
        voice: str | None = None,
        sample_rate: int = 48_000,
        pause_s: float = 0.4,
    ) -> Said:
        """Raises ValueError for what cannot be said, SpeechUnavailable without espeak-ng.

        `language` is one of our codes, `voice` one of bulbul:v3, `sample_rate` in hertz.
        """
        text = " ".join(text.split())
        if not text or len(text) > LONGEST_TEXT:
            raise ValueError(f"text of {len(text)} characters: expected 1 to {LONGEST_TEXT}")
        if sample_rate not in RATES:
            raise ValueError(f"rate {sample_rate}: expected {', '.join(map(str, RATES))}")
        name = espeak_voice(language, voice or CALLER_VOICE)
        parts = [
            await self._espeak.synthesise(spoken(part), name, DEFAULT_WORDS_A_MINUTE)
            for part in text.split(PAUSE_MARK)
            if part.strip()
        ]
        ident = self._registry.reserve()
        # 14 ms of computing a second of speech: not on the event loop.
        tagged = await asyncio.to_thread(_tagged, parts, pause_s, sample_rate, ident)
        seconds = len(tagged) // 2 / sample_rate
        self._registry.put(ident, Phrase(text, seconds, language))
        return Said(ident, text, language, seconds, sample_rate, tagged)

    async def wav(self, text: str, language: str) -> bytes:
        """A WAV file of 48 kHz, ready for a browser; otherwise as `say`."""
        return (await self.say(text, language)).wav()


def _tagged(parts: Sequence[Speech], pause_s: float, rate: int, ident: int) -> bytes:
    """Pauses are made and shortened before the tag goes under them: it has to run through them."""
    audio = np.zeros(0)
    for part in parts:
        pause = np.zeros(int(part.rate * pause_s) if len(audio) else 0)
        voice = _trimmed(pcm.samples(part.pcm).astype(float))
        audio = np.concatenate([audio, pause, _without_long_pauses(voice, part.rate)])
    if not len(audio):
        raise ValueError("the text has nothing that can be spoken")
    if (seconds := len(audio) / parts[0].rate) > LONGEST_S:
        raise ValueError(f"speech of {seconds:.0f} s: expected {LONGEST_S:.0f} at most")
    audio = pcm.resample(audio, parts[0].rate, rate)
    return pcm.pcm16(_levelled(embed(audio, rate, ident), rate))


def _trimmed(audio: Audio) -> Audio:
    """Without the silence at both ends. Raises ValueError when there is nothing else."""
    peak = np.abs(audio).max(initial=0.0)
    loud = np.flatnonzero(np.abs(audio) > _SILENT * peak)
    if peak == 0 or not len(loud):
        raise ValueError("the text has nothing that can be spoken")
    return audio[loud[0] : loud[-1] + 1]


def _without_long_pauses(audio: Audio, rate: int) -> Audio:
    longest = int(rate * LONGEST_PAUSE_S)
    loud = np.flatnonzero(np.abs(audio) > _SILENT * np.abs(audio).max())
    gaps = np.diff(loud)
    keep = np.ones(len(audio), bool)
    for place in np.flatnonzero(gaps > longest):
        begin = loud[place] + longest // 2
        keep[begin : begin + gaps[place] - longest] = False
    return audio[keep]


def _levelled(audio: Audio, rate: int) -> Audio:
    step = rate // 100
    frames = audio[: len(audio) // step * step].reshape(-1, step)
    level = active_level(np.sqrt((frames**2).mean(1)))
    gain = min(_LEVEL / level, _PEAK / np.abs(audio).max())
    return np.asarray(audio * gain)
