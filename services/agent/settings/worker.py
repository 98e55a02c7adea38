"""How many calls a worker takes, and how it stops."""

from pathlib import Path

from pydantic import Field

from shared.runtime.settings import Settings


class WorkerSettings(Settings):
    max_calls: int = Field(
        10,
        ge=1,
        le=500,
        description="calls that one agent worker takes at a time; a call needs about 80 MB and"
        " 6 to 10 s of processor time a minute, so five on each core are comfortable",
    )
    drain_timeout: int = Field(
        600,
        ge=0,
        description="seconds that a stopping worker waits for its calls to end; give the"
        " container's stop grace a little more",
    )
    caller_grace: float = Field(
        30.0,
        gt=0,
        description="seconds that a call goes on after the caller's network dropped; browsers"
        " reconnect within ten, a tunnel takes longer",
    )
    caller_wait: float = Field(
        120.0,
        gt=0,
        description="seconds that an agent waits in the room for a caller who has not joined",
    )
    spool_dir: Path = Field(
        Path(".data/spool"),
        description="folder that keeps what callers say while Redis is away; put it on a disk that"
        " outlives the container, and give each replica its own or share one on the same machine",
    )
    log_queue: int = Field(
        2000,
        ge=100,
        description="call log entries kept in memory while Redis is away (about 40 turns a minute"
        " at most, so an hour's call); beyond it the oldest are dropped",
    )
