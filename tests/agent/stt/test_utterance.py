"""The ledger of what has no transcript yet."""

from services.agent.speech.stt.utterance import MAX_RESENDS, Ledger

FRAME = b"\x01\x00" * 160


def ledger(prefix: int = 640, hold: int = 6400) -> Ledger:
    return Ledger(prefix=prefix, hold=hold)


def test_the_moments_before_speech_belong_to_the_utterance() -> None:
    """Without them the first syllable is lost: the detector reports speech late."""
    book = ledger(prefix=640)
    for value in (b"\x01\x00", b"\x02\x00", b"\x03\x00"):
        assert not book.push(value * 160)
    utterance = book.start()
    assert bytes(utterance.pcm) == b"\x02\x00" * 160 + b"\x03\x00" * 160
    assert book.push(FRAME)
    assert len(utterance.pcm) == 960


def test_the_ring_is_emptied_at_each_end_so_that_no_audio_is_sent_twice() -> None:
    """Otherwise the caller's last word would appear in the next transcript again."""
    book = ledger()
    book.start()
    book.push(FRAME)
    book.end(1.0)
    assert bytes(book.start().pcm) == b""


def test_an_utterance_waits_until_its_final() -> None:
    """What has a transcript is never sent again, what has none always is."""
    book = ledger()
    first = book.start()
    book.push(FRAME)
    book.end(1.0)
    second = book.start()
    book.push(FRAME)
    assert book.resend() == ([first, second], 0)
    assert book.settle() is first
    assert book.resend() == ([second], 0)
    assert book.settle() is None


def test_an_utterance_that_kills_every_connection_is_given_up() -> None:
    """Or it would keep all that comes after it from ever being heard."""
    book = ledger()
    bad = book.start()
    book.end(1.0)
    bad.sends = MAX_RESENDS + 1
    good = book.start()
    book.end(2.0)
    assert book.resend() == ([good], 1)


def test_an_utterance_is_not_waited_for_for_ever() -> None:
    """The caller is asked to repeat instead of hearing nothing."""
    book = ledger()
    book.start()
    book.end(10.0)
    book.start()
    book.end(14.0)
    assert book.expire(now=15.9, older_than=6.0) == 0
    assert book.expire(now=16.1, older_than=6.0) == 1
    assert len(book.waiting) == 1


def test_a_monologue_keeps_its_last_seconds_only() -> None:
    """Memory stays bounded however long somebody talks."""
    book = ledger(hold=640)
    utterance = book.start()
    for _ in range(10):
        book.push(FRAME)
    assert len(utterance.pcm) == 640


def test_ending_without_an_open_utterance_does_nothing() -> None:
    """The session flushes the stream at the end of a call as well."""
    assert ledger().end(1.0) is None
