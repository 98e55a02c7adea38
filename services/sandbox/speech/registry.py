"""What was said: the phrases that the stand-in can recognise, by the id under them."""

import random
from collections import OrderedDict
from dataclasses import dataclass

from services.sandbox.speech.tag import ID_BITS


@dataclass(frozen=True, slots=True)
class Phrase:
    """`seconds` is the length of the tagged audio; `language` one of our codes."""

    text: str
    seconds: float
    language: str


class Registry:
    """Keeps `capacity` phrases; the oldest is forgotten first, and then no longer understood."""

    def __init__(self, capacity: int = 4096, choice: random.Random | None = None) -> None:
        if not 0 < capacity <= 1 << (ID_BITS - 1):
            raise ValueError(f"capacity {capacity}: expected 1 to {1 << (ID_BITS - 1)}")
        self._capacity = capacity
        self._choice = choice or random.Random()
        self._phrases: OrderedDict[int, Phrase] = OrderedDict()

    def __len__(self) -> int:
        return len(self._phrases)

    def reserve(self) -> int:
        """An id that no phrase has: random, so that two runs hardly share one."""
        while True:
            ident = self._choice.getrandbits(ID_BITS)
            if ident not in self._phrases:
                return ident

    def put(self, ident: int, phrase: Phrase) -> None:
        self._phrases[ident] = phrase
        self._phrases.move_to_end(ident)
        while len(self._phrases) > self._capacity:
            self._phrases.popitem(last=False)

    def get(self, ident: int) -> Phrase | None:
        return self._phrases.get(ident)
