"""The mark under the speech: its code, its sound, and how it is found again."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from services.sandbox.speech.tag import ID_BITS, SHORTEST_S, Detector, codeword, embed
from services.sandbox.speech.tag.code import ident_of
from services.sandbox.speech.tag.field import INVERSE, PRODUCT

RATE = 16_000
IDENTS = st.integers(0, (1 << ID_BITS) - 1)


def test_the_field_is_a_field() -> None:
    """Without inverses and distributivity no word could be completed from five of its symbols."""
    everything = np.arange(16)
    assert all(PRODUCT[a, INVERSE[a]] == 1 for a in range(1, 16))
    for a in everything:
        for b in everything:
            total = PRODUCT[a, b] ^ PRODUCT[a, everything]
            assert (PRODUCT[a, b ^ everything] == total).all()


@given(IDENTS)
def test_a_word_gives_its_id_back(ident: int) -> None:
    """Otherwise another sentence would be recognised than the one that was said."""
    assert ident_of(codeword(ident)) == ident


@given(IDENTS, IDENTS)
def test_two_words_have_four_symbols_in_common_at_most(one: int, other: int) -> None:
    """Twelve of sixteen must agree: only this distance keeps two sentences apart."""
    same = int((codeword(one) == codeword(other)).sum())
    assert same <= 4 or one == other


def test_no_id_beyond_twenty_bits() -> None:
    """It would be heard as another one."""
    with pytest.raises(ValueError, match="20 bits"):
        codeword(1 << ID_BITS)


def _speech(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Noise with the rhythm of syllables."""
    time = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(7).normal(0, 3000, len(time))
    return np.asarray(noise * np.sin(2 * np.pi * 2 * time) ** 2)


def test_every_hit_in_tagged_noise_names_the_id() -> None:
    """A single wrong id could put words into a caller's mouth."""
    tagged = np.round(embed(_speech(2.0), RATE, 777)).astype(np.int16)
    _, hits = Detector(RATE).feed(tagged)
    assert len(hits) > 20
    assert {hit.ident for hit in hits} == {777}


def test_the_tag_is_the_same_in_pieces_of_any_size() -> None:
    """An agent sends 10 ms at a time, and 200 ms when it repeats what a lost socket swallowed."""
    tagged = np.round(embed(_speech(1.0), RATE, 4242)).astype(np.int16)
    _, whole = Detector(RATE).feed(tagged)
    detector = Detector(RATE)
    pieces = [
        hit for at in range(0, len(tagged), 137) for hit in detector.feed(tagged[at : at + 137])[1]
    ]
    assert pieces == whole


def test_a_short_word_is_lengthened_for_the_tag() -> None:
    """A bare "haan" would be over before its id could be heard three times."""
    tagged = embed(_speech(0.2), RATE, 99)
    assert len(tagged) == int(SHORTEST_S * RATE)
    _, hits = Detector(RATE).feed(np.round(tagged).astype(np.int16))
    assert len(hits) >= 3


def test_the_tag_lies_well_below_the_speech() -> None:
    """It has to be bearable: what is added is at least 12 dB weaker than the voice."""
    speech = _speech(1.0)
    added = embed(speech, RATE, 1) - embed(speech, RATE, 2)
    ratio = np.sqrt(np.mean(added**2) / 2) / np.sqrt(np.mean(speech**2))
    assert 20 * np.log10(ratio) < -12


def test_silence_and_noise_have_no_id() -> None:
    """A quiet or noisy line must not be taken for somebody's words."""
    noise = np.random.default_rng(3).normal(0, 3000, 20 * RATE).astype(np.int16)
    for sound in (np.zeros(RATE, np.int16), noise):
        assert Detector(RATE).feed(sound)[1] == []
