"""`POST /speech-to-text` and `POST /text-to-speech`: whole files, one answer."""

import asyncio
import base64
from typing import Any, Final

from aiohttp import BodyPartReader, web

from services.sandbox.handlers import read_object
from services.sandbox.sarvam import spelling
from services.sandbox.sarvam.admission import FORBIDDEN, error, raise_refusal
from services.sandbox.sarvam.backend import Backend
from services.sandbox.sarvam.legacy import MODELS
from services.sandbox.sarvam.synthesis import Rejected, read_voice
from services.sandbox.sarvam.transcript import transcript
from services.sandbox.speech import Hearer, Registry, SpeechUnavailable, pcm
from services.sandbox.speech.speaker import LONGEST_S
from shared.ids import uuid7

PATH: Final = "rest"
_HEARING_RATE: Final = 16_000
_CODECS: Final = ("wav", "linear16")
_LONGEST_TEXT: Final = 2500  # characters, of bulbul:v3
_LARGEST_FILE: Final = 4 * 1024 * 1024


async def speech_to_text(request: web.Request, backend: Backend) -> web.Response:
    """Multipart `file` (WAV of PCM16), `language_code`, `model`."""
    _admit(request, backend)
    try:
        fields = await _fields(request)
        audio, rate = pcm.read_wav(fields.get("file", b""))
    except ValueError as wrong:
        return error(400, str(wrong))
    language = fields.get("language_code", b"unknown").decode(errors="replace")
    model = fields.get("model", MODELS[0].encode()).decode(errors="replace")
    if language not in spelling.LEGACY:
        return error(400, "language_code: is not a supported language")
    if model not in MODELS:
        return error(400, f"model: expected one of {', '.join(MODELS)}")
    if len(audio) / rate > LONGEST_S:
        return error(400, f"file: longer than {LONGEST_S:.0f} s")
    phrases = await asyncio.to_thread(_hear, audio, rate, backend.registry)
    await asyncio.sleep(backend.latencies.stt_ms / 1000 + backend.faults.delay_s(PATH))
    heard = transcript(phrases, language)
    return web.json_response(
        {
            "request_id": uuid7(),
            "transcript": heard.text,
            "language_code": spelling.legacy(heard.language),
            "language_probability": heard.confidence,
            "timestamps": None,
        }
    )


async def text_to_speech(request: web.Request, backend: Backend) -> web.Response:
    """JSON as on the socket, with the whole `text`; the answer's `audios` are base64."""
    _admit(request, backend)
    try:
        body = await read_object(request)
    except ValueError:
        return error(400, "expected a JSON object")
    text = body.get("text")
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_TEXT:
        return error(422, f"text: expected 1 to {_LONGEST_TEXT} characters")
    try:
        voice = read_voice(body, codecs=_CODECS, codec="wav")
        audio = await voice.speak(backend.espeak, text)
    except Rejected as rejected:
        return error(rejected.status, rejected.message)
    except SpeechUnavailable as unavailable:
        return error(503, f"the simulator cannot speak: {unavailable.message}")
    if voice.codec == "wav":
        audio = pcm.wav(audio, voice.rate)
    await asyncio.sleep(backend.latencies.tts_ms / 1000 + backend.faults.delay_s(PATH))
    audios = [base64.b64encode(audio).decode()]
    return web.json_response({"request_id": uuid7(), "audios": audios})


def _hear(audio: pcm.Samples, rate: int, registry: Registry) -> list[Any]:
    at_rate = pcm.samples(pcm.pcm16(pcm.resample(audio.astype(float), rate, _HEARING_RATE)))
    hearer = Hearer(registry.get, _HEARING_RATE)
    hearer.feed(at_rate)
    return hearer.take()


async def _fields(request: web.Request) -> dict[str, bytes]:
    """The parts of a multipart body by name. Raises ValueError."""
    if not request.content_type.startswith("multipart/"):
        raise ValueError("expected multipart/form-data")
    fields = {}
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name:
            fields[part.name] = bytes(await part.read())
            if len(fields[part.name]) > _LARGEST_FILE:
                raise ValueError(f"{part.name}: larger than {_LARGEST_FILE} bytes")
    return fields


def _admit(request: web.Request, backend: Backend) -> None:
    """Raises web.HTTPException for a key that is not known, or a fault."""
    if refusal := backend.refusal(request, PATH):
        code = refusal.code or FORBIDDEN
        raise_refusal(code if code < 600 else FORBIDDEN)
