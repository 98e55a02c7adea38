"""Turn-taking: when the caller has finished, when the agent stops, when nobody says anything.

The figures come from measurements of the time from the caller's last sound to the agent's first.
"""

from pydantic import Field

from shared.runtime.settings import Settings


class ConversationSettings(Settings):
    vad_min_silence: float = Field(
        0.09,
        gt=0,
        le=2,
        description="seconds of silence that end speech for the local voice-activity detector;"
        " three of its 32 ms windows, since 0.10 already takes four",
    )
    vad_min_speech: float = Field(
        0.05, ge=0, le=1, description="seconds of voice that begin speech; shorter sounds are noise"
    )
    endpointing_min_delay: float = Field(
        0.5,
        ge=0,
        le=5,
        description="seconds after the last speech before a turn is taken as complete; 0.4 cuts"
        " callers off in pauses of 0.4 s, 0.6 only adds waiting",
    )
    endpointing_max_delay: float = Field(
        2.5, ge=0, le=10, description="seconds after which a turn is complete in any case"
    )
    interruption_min_duration: float = Field(
        0.06,
        ge=0,
        le=2,
        description="seconds of voice that make the agent pause; it is silent 220 to 270 ms after"
        " the caller begins, and goes on when it was nothing",
    )
    false_interruption_timeout: float = Field(
        0.3,
        gt=0,
        le=5,
        description="seconds of silence after which a paused agent goes on, when no words came",
    )
    aec_warmup: float = Field(
        0.0,
        ge=0,
        le=10,
        description="seconds at the start of the first reply in which the caller cannot interrupt;"
        " browsers cancel their own echo, so none",
    )
    first_clause_words: int = Field(
        4,
        ge=0,
        le=20,
        description="words of a reply that are spoken as a segment of their own while the rest is"
        " still being written; saves 70 ms, 0 switches it off",
    )
    input_frame_ms: int = Field(
        10,
        ge=10,
        le=50,
        description="milliseconds of audio handed on at a time; 10 instead of 50 saves 10 to 15 ms",
    )
    max_tool_steps: int = Field(
        6,
        ge=1,
        le=20,
        description="times in a row that the model may call tools before it has to speak; a caller"
        " who says everything at once needs one for each field",
    )
    tool_patience: float = Field(
        1.0,
        gt=0,
        le=7,
        description="seconds that saving a value waits for Redis, which answers in a millisecond;"
        " then it goes to the spool, and without one the caller is asked to say it again",
    )
    silence_prompt: float = Field(
        12.0,
        gt=1,
        description="seconds in which neither side speaks before the agent asks whether the caller"
        " is there",
    )
    silence_hangup: int = Field(
        3, ge=1, description="such questions without an answer before the agent ends the call"
    )
    max_call: float = Field(
        1800.0, gt=30, description="seconds after which the agent says goodbye and ends the call"
    )
