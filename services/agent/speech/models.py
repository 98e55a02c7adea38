"""The ears and the voice of one call."""

from livekit.agents import vad
from loguru import logger

from services.agent.conversation.session import Voice
from services.agent.settings import AgentSettings
from services.agent.speech.stt import Listener, RealtimeSTT, Tuning
from services.agent.speech.tts import SarvamTTS
from shared import voices
from shared.calls import Call
from shared.locales.registry import UNKNOWN


def make(settings: AgentSettings, call: Call, detector: vad.VAD, listener: Listener) -> Voice:
    """Sarvam's speech in the call's language and voice.

    Auto-detect hears any language and begins to speak in the profile's.
    """
    name, warning = voices.resolve(call.voice, settings.sarvam_tts_model, settings.default_voice)
    if warning:
        logger.warning(warning)
    spoken = call.language
    if spoken == UNKNOWN:
        spoken = call.profile.spoken_language(settings.default_language)
    return Voice(
        stt=RealtimeSTT(
            base_url=settings.sarvam_base_url,
            api_key=settings.sarvam_api_key.get_secret_value(),
            model=settings.sarvam_stt_model,
            language=call.language,
            listener=listener,
            tuning=Tuning.from_settings(settings),
        ),
        tts=SarvamTTS(settings, language=spoken, voice=name),
        vad=detector,
    )
