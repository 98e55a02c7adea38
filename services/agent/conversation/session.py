"""The AgentSession of a call: every option explicit, so that nothing calls a vendor's cloud."""

from typing import Any

from livekit import rtc
from livekit.agents import AgentSession, APIConnectOptions, llm, vad
from livekit.agents.inference import VAD
from livekit.agents.voice import room_io
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.room_io.types import TextInputCallback
from livekit.agents.voice.turn import TurnHandlingOptions

from services.agent.settings import ConversationSettings
from services.agent.speech.models import SpeechModels

# A failure of a model is answered with words, never with the end of the call.
ENDURED_ERRORS = 1_000_000
MAX_PREEMPTIVE_S = 10.0  # longer speeches are likelier to change at their end
INPUT_RATE = 16_000  # hertz, what speech-to-text and the detector take


def detector(settings: ConversationSettings) -> vad.VAD:
    """The voice-activity detector that comes with livekit-agents: local, without a download."""
    return VAD(
        model="silero",
        min_silence_duration=settings.vad_min_silence,
        min_speech_duration=settings.vad_min_speech,
    )


def turn_handling(settings: ConversationSettings, *, spoken: bool) -> TurnHandlingOptions:
    return {
        # Given, or the framework chooses a turn model of its own, which may ask LiveKit's
        # cloud. Never "stt": our speech-to-text is told by the detector when the caller speaks.
        "turn_detection": "vad" if spoken else "manual",
        "endpointing": {
            "mode": "fixed",
            "min_delay": settings.endpointing_min_delay,
            "max_delay": settings.endpointing_max_delay,
        },
        "interruption": {
            "enabled": True,
            "mode": "vad",
            "min_duration": settings.interruption_min_duration,
            "min_words": 0,
            "resume_false_interruption": True,
            "false_interruption_timeout": settings.false_interruption_timeout,
        },
        "preemptive_generation": {
            "enabled": True,
            "preemptive_tts": True,
            "max_speech_duration": MAX_PREEMPTIVE_S,
            "max_retries": 3,
        },
    }


def build(
    settings: ConversationSettings, model: llm.LLM[Any], speech: SpeechModels | None
) -> AgentSession[None]:
    """A session that speaks, or one in text when there are no speech models."""
    return AgentSession(
        stt=speech.stt if speech else None,  # type: ignore[arg-type] # None is "no model" here
        tts=speech.tts if speech else None,  # type: ignore[arg-type] # the same
        vad=speech.vad if speech else None,
        llm=model,
        turn_handling=turn_handling(settings, spoken=speech is not None),
        max_tool_steps=settings.max_tool_steps,
        # Our own watch over silence counts from the last word of either side.
        user_away_timeout=None,
        aec_warmup_duration=settings.aec_warmup or None,
        conn_options=SessionConnectOptions(
            stt_conn_options=APIConnectOptions(max_retry=0),
            llm_conn_options=APIConnectOptions(max_retry=0),
            tts_conn_options=APIConnectOptions(max_retry=2, retry_interval=0.2, timeout=5.0),
            max_unrecoverable_errors=ENDURED_ERRORS,
        ),
    )


def listen_to(session: AgentSession[Any], room: rtc.Room, identity: str) -> None:
    """Has the session listen to this participant of the room, and not to whoever is first.

    To be called before the session starts. Given among the room's options the identity would need
    a room that is connected already, and then the greeting comes 100 ms later: the framework
    connects and has the first words made at the same time.
    """

    def link(_: object) -> None:
        # The framework looks for its participant after this event, whose handlers do not wait.
        if room.isconnected():
            session.room_io.set_participant(identity)
            room.off("connection_state_changed", link)

    room.on("connection_state_changed", link)


def room_options(
    settings: ConversationSettings, text_input: TextInputCallback
) -> room_io.RoomOptions:
    """What the session takes from the room and gives to it."""
    return room_io.RoomOptions(
        audio_input=room_io.AudioInputOptions(
            sample_rate=INPUT_RATE, frame_size_ms=settings.input_frame_ms
        ),
        text_input=room_io.TextInputOptions(text_input_cb=text_input),
        close_on_disconnect=True,
        delete_room_on_close=False,
    )
