"""Words that stand where a value should be: "unknown", "N/A", "[name]".

A language model writes them when it has nothing to say for a field, and a lead would look complete.
What is refused is the whole value: "None of these" and "N. A. Khan" are values.
"""

import re
import unicodedata
from collections.abc import Sequence

from shared.locales.registry import LOCALES

# What programs and models write in English, whatever the call's language; what people say who do
# not know stands in shared/locales. Compared without case, spaces and punctuation: "N / A", "n.a."
# and "NA" are one. Words that are the whole answer to some question ("pending", "customer", "test")
# are left out.
_WORDS = """
unknown; name unknown; unknown name; unknown number; unknown caller; anonymous; unnamed
n/a; unavailable; unspecified; undisclosed; undefined; none; null; nil; nan; none provided
none given; no value; no data; no answer; no response; no information; no info; no name; no number
no phone; no phone number; tbd; tbc; tba; to be provided; to be confirmed; to be determined
to be decided; to be announced; unsure; unclear; not clear; i don't know; i do not know; dunno
caller; the caller; user; the user; the customer; caller name; caller's name; user name; user's name
customer name; customer's name; full name; first name; your name; your number; phone number
name here; number here; placeholder; dummy; string; asdf; john doe; jane doe
"""
# "not provided", "the caller has not mentioned it yet", "Not yet given by the caller"
_NOT_GIVEN = re.compile(
    r"(?:(?:the )?(?:caller|user|customer|name|number|phone|email|value|information|info) )?"
    r"(?:(?:has|have|is|was|were|did|does) ?)?(?:not|n't)(?: yet)?(?: been)? "
    r"(?:known|provided?|mention(?:ed)?|specif(?:y|ied)|stated?|given?|disclosed?|said|say|told|tell"
    r"|asked|available|applicable|captured|collected|recorded|share(?:d(?= by| yet| so))?)"
    r"(?: it| yet| so far| by (?:the )?(?:caller|user|customer)| (?:in|during) (?:the|this) call)*"
)
_HOLES = {"[": "]", "{": "}", "<": ">"}
_FILLED = re.compile(r"([xz])\1+")


def is_placeholder(text: str, *, key: str = "", options: Sequence[str] = ()) -> bool:
    """Whether the whole text stands for a value that is not there.

    `key` is the field's: repeated as its value it says nothing. `options` are the answers that the
    profile offers: one of them is a value, whatever its words. Blank text is not judged.
    """
    value = " ".join(unicodedata.normalize("NFC", text).casefold().replace("’", "'").split())
    if not value or any(value == option.casefold().strip() for option in options):
        return False
    bare = _bare(value)
    return (
        not any(letter.isalnum() for letter in bare)  # only signs: "-", "...", "?"
        or _is_hole(value)
        or _FILLED.fullmatch(bare) is not None  # "xxx", "X X X X"
        or _NOT_GIVEN.fullmatch(value.strip(" .,;:!?()*-_")) is not None
        or bare in _BARE_WORDS
        or bare == _bare(key)
    )


def _is_hole(value: str) -> bool:
    """Whether it is a template's: "[name]", "{{phone}}", "<phone number>"."""
    return _HOLES.get(value[0]) == value[-1] and not any(each.isdecimal() for each in value)


def _bare(value: str) -> str:
    """Without spaces and punctuation; the vowel signs of Indian scripts belong to their letters."""
    return "".join(
        letter for letter in value if letter.isalnum() or unicodedata.category(letter)[0] == "M"
    )


_BARE_WORDS = frozenset(
    _bare(unicodedata.normalize("NFC", words).casefold())
    for words in (
        *re.split(r"[;\n]", _WORDS.strip()),
        *(words for locale in LOCALES.values() for words in locale.placeholders),
    )
)
