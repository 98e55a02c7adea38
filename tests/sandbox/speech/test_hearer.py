"""What the hearer understands, and above all what it does not."""

import numpy as np
import pytest

from services.sandbox.speech import Hearer, Phrase, Registry
from services.sandbox.speech.pcm import resample
from tests.sandbox.speech.audio import (
    RATE,
    SENTENCES,
    Samples,
    opus_round_trip,
    pieces,
    samples,
    silence,
    tone,
    understood,
    white_noise,
)
from tests.sandbox.speech.conftest import Voices

GAP = silence(0.3)


@pytest.mark.parametrize("language", SENTENCES)
def test_every_language_is_understood_word_for_word(voices: Voices, language: str) -> None:
    """A language that the sandbox cannot hear could not be tried without a cloud key."""
    said = voices.said[language]
    heard = understood(voices.registry, GAP, samples(said.pcm), GAP)
    assert heard == [SENTENCES[language]]
    known = voices.registry.get(said.id)
    assert known == Phrase(SENTENCES[language], said.seconds, language)


@pytest.mark.parametrize("language", ["hi-IN", "ta-IN", "or-IN"])
def test_speech_through_opus_is_understood(voices: Voices, language: str) -> None:
    """Every call goes through Opus: the caller on the page would not be understood at all."""
    audio = samples(voices.said[language].pcm).astype(float)
    microphone = np.round(resample(audio, RATE, 48_000)).astype(np.int16)
    received = resample(opus_round_trip(microphone).astype(float), 48_000, RATE)
    heard = understood(voices.registry, GAP, np.round(received).astype(np.int16), GAP)
    assert heard == [SENTENCES[language]]


def test_a_telephone_line_is_understood(voices: Voices) -> None:
    """8 kHz, quiet and noisy: an ordinary call."""
    audio = resample(samples(voices.said["bn-IN"].pcm).astype(float), RATE, 8000)
    noise = np.random.default_rng(5).normal(0, 60, len(audio))
    line = np.round(0.3 * audio + noise).astype(np.int16)
    assert understood(voices.registry, line, silence(0.3, 8000), rate=8000) == [SENTENCES["bn-IN"]]


@pytest.mark.parametrize("cut_s", [0.3, 0.6, 1.0])
@pytest.mark.parametrize("side", ["start", "end"])
def test_a_phrase_cut_short_gives_nothing(voices: Voices, side: str, cut_s: float) -> None:
    """Half a phone number taken for a whole one would be a lost lead that looks like a good one."""
    audio = samples(voices.said["hi-IN"].pcm)
    cut = int(cut_s * RATE)
    rest = audio[cut:] if side == "start" else audio[:-cut]
    assert understood(voices.registry, GAP, rest, GAP) == []


def test_speech_without_a_tag_gives_nothing(voices: Voices) -> None:
    """A person at the microphone must not be answered with somebody else's words."""
    audio = samples(voices.said["hi-IN"].pcm)
    backwards = audio[::-1].copy()
    assert understood(voices.registry, GAP, backwards, GAP) == []


@pytest.mark.parametrize(
    "sound",
    [silence(3.0), white_noise(3.0, 3000), tone(3.0, 440), tone(3.0, 2700)],
    ids=["silence", "noise", "low tone", "tone in the band"],
)
def test_other_sounds_give_nothing(voices: Voices, sound: Samples) -> None:
    """Noise on the line is not an answer."""
    assert understood(voices.registry, sound) == []


def test_two_phrases_in_one_segment_come_in_order(voices: Voices) -> None:
    """A caller who says two things in one breath has said both."""
    first, second = samples(voices.said["ta-IN"].pcm), samples(voices.said["en-IN"].pcm)
    heard = understood(voices.registry, GAP, first, silence(0.15), second, GAP)
    assert heard == [SENTENCES["ta-IN"], SENTENCES["en-IN"]]


@pytest.mark.parametrize("gap_s", [0.1, 0.2, 0.3, 0.4, 0.7])
def test_the_same_phrase_said_twice_is_heard_twice(voices: Voices, gap_s: float) -> None:
    """Somebody who repeats the number because nobody answered has to be heard again."""
    audio = samples(voices.said["gu-IN"].pcm)
    heard = understood(voices.registry, audio, silence(gap_s), audio, GAP)
    assert heard == [SENTENCES["gu-IN"]] * 2


def test_a_phrase_is_given_in_the_segment_in_which_it_ends(voices: Voices) -> None:
    """A breath in the middle of a sentence must not lose the sentence, nor double it."""
    audio = samples(voices.said["hi-IN"].pcm)
    hearer = Hearer(voices.registry.get)
    half = len(audio) // 2
    for piece in pieces(audio[:half]):
        hearer.feed(piece)
    assert hearer.take() == []
    for piece in pieces(audio[half:]):
        hearer.feed(piece)
    assert [phrase.text for phrase in hearer.take()] == [SENTENCES["hi-IN"]]
    hearer.feed(silence(1.0))
    assert hearer.take() == []


def test_the_part_that_was_heard_grows_with_the_phrase(voices: Voices) -> None:
    """Partial transcripts, and with them the early start of a reply, come from it."""
    audio = samples(voices.said["hi-IN"].pcm)
    hearer = Hearer(voices.registry.get)
    parts = []
    for piece in pieces(audio, 0.1):
        hearer.feed(piece)
        parts += [part for _, part in hearer.heard()]
    assert parts == sorted(parts)
    assert parts[0] < 0.4
    assert parts[-1] == 1.0
    hearer.take()
    assert hearer.heard() == []


def test_a_forgotten_phrase_is_not_understood(voices: Voices) -> None:
    """The registry is bounded: what it forgets must give nothing rather than a wrong text."""
    assert understood(Registry(), GAP, samples(voices.said["hi-IN"].pcm), GAP) == []


def test_hearing_an_hour_keeps_half_a_minute(voices: Voices) -> None:
    """Calls last long: the history must not grow with them, nor phrases late in it be lost."""
    hearer = Hearer(voices.registry.get)
    for _ in range(24):
        hearer.feed(silence(5.0))
    for piece in pieces(samples(voices.said["te-IN"].pcm)):
        hearer.feed(piece)
    assert [phrase.text for phrase in hearer.take()] == [SENTENCES["te-IN"]]
    assert len(hearer._history._rows) < 30_000
