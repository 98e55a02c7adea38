"""The buffer of what has no transcript yet."""

from services.agent.speech.stt.utterance import MAX_RESENDS, UtteranceBuffer

FRAME = b"\x01\x00" * 160


def buffer_of(prefix: int = 640, hold: int = 6400) -> UtteranceBuffer:
    return UtteranceBuffer(prefix=prefix, hold=hold)


def test_the_moments_before_speech_belong_to_the_utterance() -> None:
    """Without them the first syllable is lost: the detector reports speech late."""
    buffer = buffer_of(prefix=640)
    for value in (b"\x01\x00", b"\x02\x00", b"\x03\x00"):
        assert not buffer.push(value * 160)
    utterance = buffer.start()
    assert bytes(utterance.pcm) == b"\x02\x00" * 160 + b"\x03\x00" * 160
    assert buffer.push(FRAME)
    assert len(utterance.pcm) == 960


def test_the_ring_is_emptied_at_each_end_so_that_no_audio_is_sent_twice() -> None:
    """Otherwise the caller's last word would appear in the next transcript again."""
    buffer = buffer_of()
    buffer.start()
    buffer.push(FRAME)
    buffer.end(1.0)
    assert bytes(buffer.start().pcm) == b""


def test_an_utterance_waits_until_its_final() -> None:
    """What has a transcript is never sent again, what has none always is."""
    buffer = buffer_of()
    first = buffer.start()
    buffer.push(FRAME)
    buffer.end(1.0)
    second = buffer.start()
    buffer.push(FRAME)
    assert buffer.resend() == ([first, second], 0)
    assert buffer.transcribed() is first
    assert buffer.resend() == ([second], 0)
    assert buffer.transcribed() is None


def test_an_utterance_that_kills_every_connection_is_given_up() -> None:
    """Or it would keep all that comes after it from ever being heard."""
    buffer = buffer_of()
    bad = buffer.start()
    buffer.end(1.0)
    bad.sends = MAX_RESENDS + 1
    good = buffer.start()
    buffer.end(2.0)
    assert buffer.resend() == ([good], 1)


def test_an_utterance_is_not_waited_for_for_ever() -> None:
    """The caller is asked to repeat instead of hearing nothing."""
    buffer = buffer_of()
    buffer.start()
    buffer.end(10.0)
    buffer.start()
    buffer.end(14.0)
    assert buffer.expire(now=15.9, older_than=6.0) == 0
    assert buffer.expire(now=16.1, older_than=6.0) == 1
    assert len(buffer.waiting) == 1


def test_a_monologue_keeps_its_last_seconds_only() -> None:
    """Memory stays bounded however long somebody talks."""
    buffer = buffer_of(hold=640)
    utterance = buffer.start()
    for _ in range(10):
        buffer.push(FRAME)
    assert len(utterance.pcm) == 640


def test_ending_without_an_open_utterance_does_nothing() -> None:
    """The session flushes the stream at the end of a call as well."""
    assert buffer_of().end(1.0) is None
