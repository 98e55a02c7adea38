"""Arithmetic in GF(16), the field of four-bit symbols, modulo x^4 + x + 1.

Addition is XOR. Multiplication and inversion are tables, so that numpy can look up many at once.
"""

import numpy as np
from numpy.typing import NDArray

Symbols = NDArray[np.uint8]

SIZE = 16
_MODULUS = 0b1_0011


def _powers() -> list[int]:
    """The powers 0 to 14 of the element x, which generates all but zero."""
    powers = [1]
    for _ in range(SIZE - 2):
        shifted = powers[-1] << 1
        powers.append(shifted ^ _MODULUS if shifted & SIZE else shifted)
    return powers


def _tables() -> tuple[Symbols, Symbols]:
    powers = _powers()
    order = len(powers)
    product = np.zeros((SIZE, SIZE), np.uint8)
    inverse = np.zeros(SIZE, np.uint8)
    for i, a in enumerate(powers):
        inverse[a] = powers[-i % order]
        for j, b in enumerate(powers):
            product[a, b] = powers[(i + j) % order]
    return product, inverse


PRODUCT, INVERSE = _tables()
"""`PRODUCT[a, b]` is a times b; `INVERSE[a]` is 1/a, and 0 for a = 0, which has none."""
