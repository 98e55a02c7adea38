"""The espeak-ng process: it speaks, it dies with us, it comes back."""

import asyncio
import os
import select
import signal
import subprocess
import sys

import numpy as np
import pytest

from services.sandbox.speech import Espeak, Registry, Speaker
from services.sandbox.speech.speaker import LONGEST_S
from services.sandbox.speech.voices import espeak_voice
from services.sandbox.speech.wording import spoken
from shared.locales.registry import LOCALES
from shared.voices import VOICES
from tests.sandbox.speech.audio import SENTENCES, samples


async def test_the_same_request_gives_the_same_bytes(espeak: Espeak) -> None:
    """Tests that compare audio would otherwise fail now and then."""
    first = await espeak.synthesise("नमस्ते", "hi+f2", 165)
    assert first == await espeak.synthesise("नमस्ते", "hi+f2", 165)
    assert first.rate == 22050
    assert len(first.pcm) > first.rate // 2


async def test_the_process_runs_in_a_session_of_its_own(espeak: Espeak) -> None:
    """A Ctrl-C on the terminal would kill it before the supervisor has stopped in order."""
    await espeak.synthesise("a", "en-us", 165)
    assert espeak.pid is not None
    assert os.getsid(espeak.pid) == espeak.pid


async def test_a_killed_process_is_started_anew(espeak: Espeak) -> None:
    """One crash of the engine would otherwise leave the sandbox mute."""
    before = await espeak.synthesise("one", "en-us", 165)
    assert espeak.pid is not None
    os.kill(espeak.pid, signal.SIGKILL)
    after = await espeak.synthesise("two", "en-us", 165)
    assert len(after.pcm) > 1000
    assert before.pcm != after.pcm


async def test_who_stops_waiting_does_not_disturb_the_next(espeak: Espeak) -> None:
    """A barge-in cancels speech in the making: the next reply must not get its bytes."""
    expected = await espeak.synthesise("two", "en-us", 165)
    await espeak.aclose()
    espeak._cache.clear()
    impatient = asyncio.create_task(espeak.synthesise("one " * 50, "en-us", 165))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await espeak.synthesise("two", "en-us", 165)).pcm[:200] == expected.pcm[:200]


def test_the_process_ends_with_the_one_that_started_it() -> None:
    """`make run` killed by the system must not leave a process behind."""
    script = (
        "import asyncio, os\n"
        "from services.sandbox.speech import Espeak\n"
        "async def main():\n"
        "    espeak = Espeak()\n"
        "    await espeak.synthesise('a', 'en-us', 165)\n"
        "    print(espeak.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    read, write = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=write, text=True
    ) as parent:
        os.close(write)
        assert parent.stdout is not None
        assert int(parent.stdout.readline()) > 0
    # Its standard error is our pipe: the end of it is the end of the last process that has it.
    with os.fdopen(read, "rb") as errors:
        while select.select([errors], [], [], 10.0)[0]:
            if not os.read(errors.fileno(), 4096):
                return
        pytest.fail("the worker outlived its parent by 10 s")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("मेरा नंबर ९८७६५४३२१० है", "मेरा नंबर 9 8 7 6 5 4 3 2 1 0 है"),
        ("call 98765 43210", "call 9 8 7 6 5 4 3 2 1 0"),
        ("+91-98765-43210", "+9 1 9 8 7 6 5 4 3 2 1 0"),
        ("3 rooms for 50,00,000 in 2026", "3 rooms for 5000000 in 2026"),
        ("௩ அறைகள்", "3 அறைகள்"),
    ],
)
def test_numbers_are_read_as_people_say_them(text: str, read: str) -> None:
    """A phone number read as billions would teach nobody what a call sounds like."""
    assert spoken(text) == read


def test_every_language_and_voice_has_one_of_espeak() -> None:
    """A language on the page that nobody can speak would be a silent agent."""
    assert all(espeak_voice(language, "shubh") for language in LOCALES)
    for voice in VOICES["bulbul:v3"].values():
        variant = espeak_voice("hi-IN", voice.id).partition("+")[2]
        assert variant[0] == voice.gender[0]


async def test_what_cannot_be_said_is_refused(espeak: Espeak) -> None:
    """The page shows the reason: it has to name what is wrong."""
    speaker = Speaker(espeak, Registry())
    for text, language, named in (
        ("  ", "hi-IN", "text"),
        ("a", "unknown", "unknown"),
        ("a", "od-IN", "od-IN"),
        ("…", "en-IN", "nothing"),
        ("word " * 180, "en-IN", f"{LONGEST_S:.0f} at most"),
    ):
        with pytest.raises(ValueError, match=named):
            await speaker.say(text, language)
    with pytest.raises(ValueError, match="rate 44100"):
        await speaker.say("a", "en-IN", sample_rate=44100)
    with pytest.raises(ValueError, match="nobody"):
        await speaker.say("a", "en-IN", voice="nobody")


async def test_a_pause_is_as_long_as_it_was_asked_for(espeak: Espeak) -> None:
    """Turn-taking is tested with callers who stop to think in the middle of a sentence."""
    speaker = Speaker(espeak, Registry())
    short = await speaker.say("yes…no", "en-IN", pause_s=0.1)
    long = await speaker.say("yes…no", "en-IN", pause_s=0.9)
    assert long.seconds - short.seconds == pytest.approx(0.8, abs=0.001)
    assert long.text == "yes…no"


async def test_a_caller_is_loud_enough_and_not_clipped(espeak: Espeak) -> None:
    """The agent's voice detection must hear the caller, and clipping would spoil the tag."""
    speaker = Speaker(espeak, Registry())
    said = await speaker.say(SENTENCES["hi-IN"], "hi-IN", voice="shubh")
    audio = samples(said.pcm).astype(float)
    assert 1500 < np.sqrt((audio**2).mean()) < 4000
    assert np.abs(audio).max() < 32767
    assert said.wav()[:4] == b"RIFF"
    assert len(said.pcm) == 2 * round(said.seconds * 48_000)
