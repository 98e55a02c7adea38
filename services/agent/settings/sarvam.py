"""Sarvam: the account, the models, and the numbers of the speech sockets."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from shared.runtime.settings import Credential, Settings, WsUrl


def _number(value: object) -> object:
    """The environment has texts only, and a Literal of numbers takes none of these."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


class SarvamSettings(Settings):
    sarvam_api_key: Credential = Field(min_length=1, description="Sarvam API key")
    sarvam_base_url: WsUrl = Field(
        "wss://api.sarvam.ai",
        description="Sarvam's speech sockets, ws:// or wss://, without a path",
    )
    sarvam_stt_model: str = Field(
        "saaras:v3-realtime", description="Sarvam speech-to-text model on the realtime socket"
    )
    stt_stream_type: Literal["fast", "balanced", "simulated"] = Field(
        "fast",
        description="how often Sarvam sends partial transcripts; the reply starts from the last"
        " partial, so the most frequent ones serve best",
    )
    stt_prefix_ms: int = Field(
        500,
        ge=0,
        le=2000,
        description="milliseconds of audio sent from before the detected start of speech; the"
        " detector reports it up to 200 ms late",
    )
    stt_hold: float = Field(
        30.0,
        gt=0,
        le=120,
        description="seconds of one utterance kept to send again after a lost connection; at 32 kB"
        " a second",
    )
    stt_final_timeout: float = Field(
        1.5,
        gt=0,
        description="seconds from the end of speech to the transcript, beyond which the socket is"
        " held to be dead and replaced",
    )
    stt_give_up: float = Field(
        6.0,
        gt=0,
        description="seconds after which an utterance without a transcript is given up and the"
        " caller asked to repeat; below the eight seconds that nobody should hear silence",
    )
    stt_ping_after: float = Field(
        5.0, gt=0, description="seconds without a message from Sarvam before we ask with a ping"
    )
    stt_pong_timeout: float = Field(
        3.0, gt=0, description="seconds to wait for the answer to a ping before reconnecting"
    )
    stt_preflight: bool = Field(
        True,
        description="start the reply from the last partial transcript at the end of speech, which"
        " saves about 75 ms a turn and costs one more LLM request in five",
    )
    tts_sample_rate: Annotated[Literal[8000, 16000, 22050, 24000], BeforeValidator(_number)] = (
        Field(
            24000,
            description="hertz of the synthesised speech; 24000 is what the room track carries",
        )
    )
    tts_pace: Annotated[float, Field(ge=0.5, le=2.0)] = Field(
        1.0, description="rate of speech, 0.5 to 2.0"
    )
    tts_temperature: float = Field(
        0.6, ge=0.01, le=2.0, description="variation of the voice (bulbul:v3); Sarvam's default"
    )
    tts_min_buffer: int = Field(
        30,
        ge=30,
        le=200,
        description="characters that Sarvam collects before it speaks; 30 is the least it takes,"
        " its own default of 50 costs 270 ms on a short first sentence",
    )
    tts_socket_age: float = Field(
        45.0,
        gt=5,
        description="seconds after which a text-to-speech socket is replaced while the caller"
        " speaks; Sarvam closes idle ones at 60",
    )
