"""The front of the espeak-ng process for the event loop: starts it, asks it, ends it."""

import asyncio
import json
import sys
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Self

from loguru import logger

from shared.errors import Unavailable

ANSWER_TIMEOUT_S: Final = 20.0  # a minute of speech takes 0.2 s; more means that it hangs
END_TIMEOUT_S: Final = 2.0
CACHE_BYTES: Final = 32 * 1024 * 1024  # twelve minutes of speech
RETRY_AFTER_S: Final = 60
_MODULE: Final = "services.sandbox.speech.worker"
_Key = tuple[str, str, int]


class SpeechUnavailable(Unavailable):
    """espeak-ng is not installed, or does not run."""

    code = "speech_unavailable"


@dataclass(frozen=True, slots=True)
class Speech:
    """PCM16 mono; `rate` in hertz."""

    pcm: bytes
    rate: int


@dataclass(frozen=True, slots=True)
class _Worker:
    """The running process and its two pipes."""

    process: asyncio.subprocess.Process
    requests: asyncio.StreamWriter
    answers: asyncio.StreamReader

    @classmethod
    async def start(cls) -> "_Worker":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _MODULE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        if process.stdin is None or process.stdout is None:
            raise SpeechUnavailable("espeak-ng has no pipes", retry_after=RETRY_AFTER_S)
        return cls(process, process.stdin, process.stdout)

    async def ask(self, request: dict[str, Any]) -> Speech:
        self.requests.write(json.dumps(request).encode() + b"\n")
        await self.requests.drain()
        return await self.answer()

    async def answer(self) -> Speech:
        """The next answer, empty speech for the greeting. Raises SpeechUnavailable."""
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            header = json.loads(await self.answers.readuntil(b"\n"))
            if "error" in header:
                raise SpeechUnavailable(str(header["error"]), retry_after=RETRY_AFTER_S)
            return Speech(await self.answers.readexactly(header.get("bytes", 0)), header["rate"])

    async def end(self) -> None:
        """Closes its input, which ends it; kills it when that does not help."""
        self.requests.close()
        try:
            await asyncio.wait_for(self.process.wait(), END_TIMEOUT_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


class Espeak:
    """Starts its process at the first word; ends it with `aclose`, or as a context manager.

    The process has a session of its own, so that a Ctrl-C on the terminal does not reach it, and
    ends by itself when this one is gone. When it dies it is started anew. `last_error` says why the
    last request failed, None after one that did not.
    """

    def __init__(self) -> None:
        self._worker: _Worker | None = None
        self._turn = asyncio.Lock()
        self._cache: OrderedDict[_Key, Speech] = OrderedDict()
        self._cached = 0
        self._running: set[asyncio.Task[Speech]] = set()
        self.last_error: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def pid(self) -> int | None:
        return self._worker.process.pid if self._worker else None

    async def warm(self) -> str | None:
        """Starts the process before the first word needs it; answers why it cannot, if so.

        Its start takes 0.3 s, which the first caller would hear as silence.
        """
        async with self._turn:
            try:
                if self._worker is None:
                    await self._start()
                self.last_error = None
            except (SpeechUnavailable, asyncio.IncompleteReadError, TimeoutError) as error:
                await self._end()
                self.last_error = str(error)
        return self.last_error

    async def synthesise(self, text: str, voice: str, words_a_minute: int) -> Speech:
        """`voice` is espeak-ng's own, such as `hi+f2`. Raises SpeechUnavailable.

        The same request is answered with the same bytes while it is in the cache.
        """
        key = (text, voice, words_a_minute)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        # Shielded: whoever stops waiting must not leave half an answer in the pipe.
        task = asyncio.create_task(self._ask(key), name="espeak")
        self._running.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    async def aclose(self) -> None:
        """Ends the process; a later request starts another."""
        await asyncio.gather(*self._running, return_exceptions=True)
        async with self._turn:
            await self._end()

    def _finished(self, task: "asyncio.Task[Speech]") -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        self.last_error = str(error) if error else None

    async def _ask(self, key: _Key) -> Speech:
        async with self._turn:
            if key in self._cache:
                return self._cache[key]
            speech = await self._try(key) or await self._try(key)
            if speech is None:
                raise SpeechUnavailable(
                    "espeak-ng dies or hangs at this text", retry_after=RETRY_AFTER_S
                )
            self._remember(key, speech)
            return speech

    async def _try(self, key: _Key) -> Speech | None:
        """None when the process died or hung on it: the next try has a new one."""
        text, voice, words_a_minute = key
        try:
            worker = self._worker or await self._start()
            return await worker.ask({"text": text, "voice": voice, "rate": words_a_minute})
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError) as error:
            logger.warning("espeak-ng has gone: {}", type(error).__name__)
            await self._end()
            return None

    async def _start(self) -> _Worker:
        self._worker = await _Worker.start()
        try:
            await self._worker.answer()
        except SpeechUnavailable:
            await self._end()
            raise
        return self._worker

    async def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.end()

    def _remember(self, key: _Key, speech: Speech) -> None:
        self._cache[key] = speech
        self._cached += len(speech.pcm)
        while self._cached > CACHE_BYTES and len(self._cache) > 1:
            _, oldest = self._cache.popitem(last=False)
            self._cached -= len(oldest.pcm)
