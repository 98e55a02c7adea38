"""Yes and no, by the words of every language."""

import re

from shared.locales.registry import LOCALES

_YES = frozenset(word for locale in LOCALES.values() for word in locale.yes)
_NO = frozenset(word for locale in LOCALES.values() for word in locale.no)
_BETWEEN = re.compile(r"[\s,.!।]+")


def boolean(text: str) -> bool | None:
    """True for a yes, False for a no; None for both, or neither. `text` is in lower case."""
    said = set(_BETWEEN.split(text))
    yes, no = bool(said & _YES), bool(said & _NO)
    return yes if yes != no else None
