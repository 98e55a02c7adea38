"""The query of the realtime socket, and what `config.update` may change of it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from services.sandbox.sarvam.spelling import REALTIME

Mode = Literal["transcribe", "translate", "verbatim", "translit", "codemix"]


def _known(language: str) -> str:
    if language not in REALTIME:
        raise ValueError("is not a supported language")
    return language


LanguageCode = Annotated[str, AfterValidator(_known)]


class RealtimeConfig(BaseModel):
    """What a realtime session was asked for; the fields are named as on the wire."""

    model_config = ConfigDict(extra="ignore")

    language_code: LanguageCode
    model: Literal["saaras:v3-realtime"] = "saaras:v3-realtime"
    stream_type: Literal["fast", "balanced", "simulated"] = "balanced"
    endpointing: Literal["vad", "manual"] = "vad"
    encoding: Literal["linear16", "linear32", "mulaw", "alaw"] = "linear16"
    sample_rate: Literal[8000, 16000] = 16000
    mode: Mode = "transcribe"
    return_timestamps: bool = False
    prompt: str = ""
    threshold: float = Field(0.5, ge=0, le=1)
    min_speech_duration_ms: int = Field(30, ge=0)
    silence_duration_ms: int | None = Field(None, ge=0)
    prefix_padding_ms: int = Field(0, ge=0)


CHANGEABLE = frozenset(
    {
        "language_code",
        "stream_type",
        "endpointing",
        "mode",
        "prompt",
        "threshold",
        "min_speech_duration_ms",
        "silence_duration_ms",
    }
)


def read_query(query: Mapping[str, str]) -> RealtimeConfig:
    """Raises ValueError with one line that names the parameter."""
    values: dict[str, Any] = dict(query)
    if values.get("sample_rate", "").isdigit():
        values["sample_rate"] = int(values["sample_rate"])
    return _validated(values)


def changed(config: RealtimeConfig, update: Mapping[str, Any]) -> RealtimeConfig:
    """The configuration with the update's values. Raises ValueError; then nothing holds."""
    if fixed := sorted(set(update) - CHANGEABLE):
        raise ValueError(f"{fixed[0]} cannot be changed on a live session")
    return _validated(config.model_dump() | dict(update))


def _validated(values: Mapping[str, Any]) -> RealtimeConfig:
    try:
        return RealtimeConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise ValueError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
