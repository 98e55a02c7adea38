"""Logging: one set-up for every service, on loguru, with the standard library's loggers sent there.

Nothing that a caller said, no phone number and no secret belongs in a log line: ids do.
"""

import logging
import sys
from types import FrameType
from typing import TYPE_CHECKING, Literal

from loguru import logger

if TYPE_CHECKING:
    from loguru import Record

LogFormat = Literal["text", "json"]

# Chatty libraries that tell an operator nothing at INFO.
QUIET = (
    "httpx",
    "httpx2",
    "httpcore",
    "aiohttp.access",
    "aioice",
    "asyncio",
    "livekit",
    "openai",
    "uvicorn",
)


class _Intercept(logging.Handler):
    """Hands records of the standard library over to loguru, with the place they came from."""

    def emit(self, record: logging.LogRecord) -> None:
        level: str | int
        try:
            level = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        frame: FrameType | None = logging.currentframe()
        depth = 2
        while frame and frame.f_code.co_filename == logging.__file__:
            frame = frame.f_back
            depth += 1
        logger.opt(depth=depth, exception=record.exc_info).log(level, "{}", record.getMessage())


def _text(record: "Record") -> str:
    extra = " ".join(f"{key}={{extra[{key}]}}" for key in record["extra"] if key != "service")
    tail = f" | {extra}" if extra else ""
    return "{time:HH:mm:ss.SSS} {level: <7} {extra[service]} {message}" + tail + "\n{exception}"


def setup(service: str, *, level: str = "INFO", format_: LogFormat = "text") -> None:
    """Sends everything to stderr: a line a record, or a JSON object a line."""
    logger.remove()
    logger.configure(extra={"service": service})
    if format_ == "json":
        logger.add(sys.stderr, level=level, serialize=True, diagnose=False, backtrace=False)
    else:
        logger.add(sys.stderr, level=level, format=_text, diagnose=False, backtrace=False)
    logging.basicConfig(handlers=[_Intercept()], level=logging.INFO, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
