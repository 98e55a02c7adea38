"""The code: a Reed-Solomon (16, 5) word over GF(16) for each 20-bit id.

The id's five nibbles, the lowest first, are the coefficients of a polynomial; the word is its value
at the 16 points of the field, in an order in which no rotation of a word is close to another word,
and masked so that constant or plainly repeating tones are no words. Any five right symbols give the
word, so a hearer can pick the clearest ones. There is no start mark: a hearer tries all rotations.
"""

from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.sandbox.speech.tag.field import INVERSE, PRODUCT, Symbols

LENGTH: Final = 16  # symbols of a word
NIBBLES: Final = 5  # symbols of an id
ID_BITS: Final = 4 * NIBBLES

_POINTS: Final = np.array([7, 2, 12, 0, 9, 14, 5, 1, 11, 3, 15, 8, 6, 13, 4, 10], np.uint8)
MASK: Final = np.array([3, 14, 9, 0, 6, 11, 1, 13, 8, 2, 15, 5, 10, 4, 12, 7], np.uint8)


def codeword(ident: int) -> Symbols:
    """The 16 symbols (0 to 15) that stand for an id of ID_BITS bits."""
    if not 0 <= ident < 1 << ID_BITS:
        raise ValueError(f"id {ident}: expected {ID_BITS} bits")
    word = np.zeros(LENGTH, np.uint8)
    for place in reversed(range(NIBBLES)):
        word = PRODUCT[word, _POINTS] ^ np.uint8(ident >> 4 * place & 15)
    return word ^ MASK


def ident_of(word: Symbols) -> int:
    """The id of a codeword without errors, read from its first five symbols."""
    values = (word ^ MASK)[:NIBBLES]
    nibbles = np.bitwise_xor.reduce(PRODUCT[_TO_NIBBLES, values[None]], axis=1)
    return sum(int(nibble) << 4 * place for place, nibble in enumerate(nibbles))


def complete(places: NDArray[np.int64], values: Symbols) -> Symbols:
    """The words, without mask, that take `values` at five `places` each.

    `places` are ascending positions 0 to 15; both have the shape (..., 5), the answer (..., 16).
    """
    basis = _BASES[_BASIS_OF[(1 << places).sum(-1)]]
    word: Symbols = np.bitwise_xor.reduce(PRODUCT[values[..., None], basis], axis=-2)
    return word


def _bases() -> tuple[Symbols, NDArray[np.int16]]:
    """Lagrange's basis for every five places, and which row belongs to which set of places.

    `bases[r, a]` is the word that is 1 at the a-th of the five places and 0 at the other four.
    """
    places = np.array(list(combinations(range(LENGTH), NIBBLES)))
    bases = np.ones((len(places), NIBBLES, LENGTH), np.uint8)
    for a in range(NIBBLES):
        own = _POINTS[places[:, a]]
        for b in set(range(NIBBLES)) - {a}:
            other = _POINTS[places[:, b]]
            scale = INVERSE[own ^ other]
            factor = PRODUCT[_POINTS[None] ^ other[:, None], scale[:, None]]
            bases[:, a] = PRODUCT[bases[:, a], factor]
    rows = np.full(1 << LENGTH, -1, np.int16)
    rows[(1 << places).sum(-1)] = np.arange(len(places))
    return bases, rows


def _to_nibbles() -> Symbols:
    """The matrix that leads from the first five values to the five coefficients.

    Its columns are the coefficients of Lagrange's polynomials at the first five points.
    """
    columns = []
    for a in range(NIBBLES):
        polynomial = np.array([1], np.uint8)
        for b in set(range(NIBBLES)) - {a}:
            scale = INVERSE[_POINTS[a] ^ _POINTS[b]]
            shifted = np.append(np.zeros(1, np.uint8), PRODUCT[polynomial, scale])
            kept = np.append(PRODUCT[polynomial, PRODUCT[scale, _POINTS[b]]], np.zeros(1, np.uint8))
            polynomial = shifted ^ kept
        columns.append(polynomial)
    return np.stack(columns, axis=1)


_BASES, _BASIS_OF = _bases()
_TO_NIBBLES = _to_nibbles()
