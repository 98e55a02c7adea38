"""The models with which one call hears and speaks."""

from dataclasses import dataclass
from typing import Any

from livekit.agents import stt, tts, vad
from loguru import logger

from services.agent.settings import AgentSettings
from services.agent.speech.stt import RealtimeSTT, SttListener
from services.agent.speech.tts import SarvamTTS
from shared import voices
from shared.calls import Call
from shared.locales.model import UNKNOWN


@dataclass(frozen=True, slots=True)
class SpeechModels:
    """Speech to text, text to speech, and the detector of voice. A call in text has none."""

    stt: stt.STT[Any]
    tts: tts.TTS[Any]
    vad: vad.VAD

    def caller_speaking(self, speaking: bool) -> None:
        """The local detector's word: the caller's voice began or ended."""
        if isinstance(self.stt, RealtimeSTT):
            self.stt.user_speaking(speaking)
        if isinstance(self.tts, SarvamTTS):
            self.tts.warm()

    def speak(self, language: str) -> None:
        """The language of the agent's voice, from the next segment on."""
        if isinstance(self.tts, SarvamTTS):
            self.tts.set_language(language)


def build(
    settings: AgentSettings, call: Call, detector: vad.VAD, listener: SttListener
) -> SpeechModels:
    """Sarvam's speech in the call's language and voice.

    Auto-detect hears any language and begins to speak in the profile's.
    """
    voice, warning = voices.resolve(call.voice, settings.sarvam_tts_model, settings.default_voice)
    if warning:
        logger.warning(warning)
    spoken = call.language
    if spoken == UNKNOWN:
        spoken = call.profile.spoken_language(settings.default_language)
    return SpeechModels(
        stt=RealtimeSTT(settings, language=call.language, listener=listener),
        tts=SarvamTTS(settings, language=spoken, voice=voice),
        vad=detector,
    )
