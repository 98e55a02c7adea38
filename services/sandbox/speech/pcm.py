"""PCM16 in the forms that the speech interfaces carry: WAV, G.711, other rates, arrays."""

import io
import wave
from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
Audio = NDArray[np.float64]

_FULL: Final = 32767
_MARGIN_S: Final = 0.02  # of silence at both ends while the rate is changed, for the filter


def samples(pcm: bytes) -> Samples:
    """PCM16 little-endian as an array; half a sample at the end is left out."""
    return np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.int16)


def pcm16(audio: Audio) -> bytes:
    """Rounded and clipped to PCM16 little-endian."""
    return np.clip(np.round(audio), -_FULL, _FULL).astype("<i2").tobytes()


def resample(audio: Audio, rate: int, wanted: int) -> Audio:
    """The whole of a signal at another rate, in hertz, band-limited by Fourier transform."""
    if rate == wanted or not len(audio):
        return audio
    unit = gcd(rate, wanted)
    down, up = rate // unit, wanted // unit
    margin = int(rate * _MARGIN_S) // down * down + down
    length = -(-(len(audio) + 2 * margin) // down) * down
    padded = np.zeros(length)
    padded[margin : margin + len(audio)] = audio
    spectrum = np.fft.rfft(padded)
    size = length // down * up
    changed = np.fft.irfft(spectrum[: size // 2 + 1], size) * (up / down)
    begin = margin // down * up
    return np.asarray(changed[begin : begin + round(len(audio) * up / down)])


def wav(pcm: bytes, rate: int) -> bytes:
    """A RIFF WAV file of PCM16 mono."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(pcm)
    return file.getvalue()


def read_wav(data: bytes) -> tuple[Samples, int]:
    """The first channel of a PCM16 WAV file and its rate. Raises ValueError for anything else."""
    try:
        with wave.open(io.BytesIO(data), "rb") as reader:
            if reader.getsampwidth() != 2:
                raise ValueError(f"WAV of {8 * reader.getsampwidth()} bits, expected 16")
            audio = samples(reader.readframes(reader.getnframes()))
            return audio[:: reader.getnchannels()], reader.getframerate()
    except (wave.Error, EOFError) as error:
        raise ValueError(f"no WAV file of PCM16: {error}") from error


def decode(encoded: bytes, encoding: str) -> Samples:
    """What a realtime socket carries as PCM16: linear16, linear32, mulaw or alaw."""
    match encoding:
        case "linear16":
            return samples(encoded)
        case "linear32":
            whole = np.frombuffer(encoded[: len(encoded) // 4 * 4], "<i4")
            return (whole >> 16).astype(np.int16)
        case "mulaw":
            return _MULAW[np.frombuffer(encoded, np.uint8)]
        case "alaw":
            return _ALAW[np.frombuffer(encoded, np.uint8)]
        case _:
            raise ValueError(f"encoding {encoding!r}: expected linear16, linear32, mulaw or alaw")


def _mulaw() -> Samples:
    """ITU-T G.711: bits inverted; sign, exponent, mantissa, with a bias of 132."""
    code = ~np.arange(256) & 0xFF
    size = (((code & 15) << 3) + 132 << (code >> 4 & 7)) - 132
    return np.where(code & 128, -size, size).astype(np.int16)


def _alaw() -> Samples:
    """ITU-T G.711: every other bit inverted; the lowest two segments have the same step."""
    code = np.arange(256) ^ 0x55
    exponent = code >> 4 & 7
    size = ((code & 15) << 4) + 8
    size = np.where(exponent > 0, (size + 256) << np.maximum(exponent - 1, 0), size)
    return np.where(code & 128, size, -size).astype(np.int16)


_MULAW = _mulaw()
_ALAW = _alaw()
