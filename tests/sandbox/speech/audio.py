"""Audio for the tests of speech: sentences, channels, and a hearer that hears all of a piece."""

import math

import av
import numpy as np
from numpy.typing import NDArray

from services.sandbox.speech import Hearer, Registry

Samples = NDArray[np.int16]

RATE = 16_000
SENTENCES = {
    "hi-IN": "मेरा नाम राजेश है, और मुझे दो कमरे का फ्लैट चाहिए।",
    "en-IN": "My name is Ravi, and my number is 98765 43210.",
    "ta-IN": "என் பெயர் குமார், எனக்கு வீடு வேண்டும்.",
    "te-IN": "నా పేరు రవి, నాకు ఇల్లు కావాలి.",
    "bn-IN": "আমার নাম রাজ, আমার একটা ফ্ল্যাট চাই।",
    "mr-IN": "माझे नाव राज आहे, मला घर हवे आहे.",
    "gu-IN": "મારું નામ રાજ છે, મને ઘર જોઈએ છે.",
    "kn-IN": "ನನ್ನ ಹೆಸರು ರಾಜ್, ನನಗೆ ಮನೆ ಬೇಕು.",
    "ml-IN": "എന്റെ പേര് രാജ്, എനിക്ക് വീട് വേണം.",
    "pa-IN": "ਮੇਰਾ ਨਾਮ ਰਾਜ ਹੈ, ਮੈਨੂੰ ਘਰ ਚਾਹੀਦਾ ਹੈ।",
    "or-IN": "ମୋର ନାମ ରାଜ, ମୋତେ ଘର ଦରକାର।",
}


def samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2")


def silence(seconds: float, rate: int = RATE) -> Samples:
    return np.zeros(int(seconds * rate), np.int16)


def pieces(audio: Samples, seconds: float = 0.010, rate: int = RATE) -> list[Samples]:
    """As an agent sends it: 10 ms at a time unless told otherwise."""
    step = int(rate * seconds)
    return [audio[at : at + step] for at in range(0, len(audio), step)]


def understood(registry: Registry, *audio: Samples, rate: int = RATE) -> list[str]:
    """What one segment of speech with these pieces of audio in it says."""
    hearer = Hearer(registry.get, rate)
    for part in audio:
        for piece in pieces(part, rate=rate):
            hearer.feed(piece)
    return [phrase.text for phrase in hearer.take()]


def opus_round_trip(audio: Samples, rate: int = 48_000, bit_rate: int = 24_000) -> Samples:
    """PCM16 mono at 48 kHz through Opus as a microphone sends it; to 16 kHz if so asked."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, "mono", "s16"
    encoder.bit_rate = bit_rate
    encoder.options = {"application": "voip", "frame_duration": "20"}
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = rate, "mono"
    step = rate // 50
    padded = np.append(audio, np.zeros(-len(audio) % step, np.int16)).astype("<i2")
    decoded = []
    for at in range(0, len(padded), step):
        frame = av.AudioFrame.from_ndarray(padded[None, at : at + step], "s16", "mono")
        frame.sample_rate, frame.pts = rate, at
        decoded += [out for packet in encoder.encode(frame) for out in decoder.decode(packet)]
    decoded += [out for packet in encoder.encode(None) for out in decoder.decode(packet)]
    wave = np.concatenate([out.to_ndarray().reshape(-1) for out in decoded])
    if wave.dtype != np.int16:
        wave = np.clip(np.round(wave * 32768), -32768, 32767)
    return wave.astype(np.int16)


def white_noise(seconds: float, rms: float, seed: int = 0) -> Samples:
    noise = np.random.default_rng(seed).normal(0, rms, int(seconds * RATE))
    return np.clip(noise, -32768, 32767).astype(np.int16)


def tone(seconds: float, hertz: float, rms: float = 3000) -> Samples:
    time = np.arange(int(seconds * RATE)) / RATE
    return np.round(math.sqrt(2) * rms * np.sin(2 * math.pi * hertz * time)).astype(np.int16)
