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
n/a; unavailable; unspecified; undisclosed; undefined; none; null; nil; nan; null value
none given; no value; no data; no answer; no response; no information; no info; no name; no number
no phone; no phone number; tbd; tbc; tba; to be provided; to be confirmed; to be determined
to be decided; to be announced; unsure; unclear; not clear; i don't know; i do not know; dunno
caller; the caller; user; the user; the customer; caller name; caller's name; user name; user's name
customer name; customer's name; full name; first name; your name; your number; phone number
name here; number here; placeholder; dummy; string; asdf; john doe; jane doe
"""
# Sentences that say as much: "not yet given by the caller", "no name provided", "name is unknown".
_WHAT = (
    "(?:(?:full |first )?name|(?:phone )?number|phone|email|value|information|info|details|data"
    "|answer)"
)
_CALLER = "(?:the )?(?:caller|user|customer)"
_WHOSE = f"(?:(?:{_CALLER}|(?:the )?{_WHAT}) )?"
_GIVEN = (
    "(?:known|provided?|mention(?:ed)?|specif(?:y|ied)|stated?|given?|disclosed?|said|say|told|tell"
    "|asked|answer(?:ed)?|remember|available|applicable|captured|collected|recorded)"
)
_WHEN = (
    "(?: it| yet| so far| at this time| at the moment| for now| later"
    f"| by {_CALLER}| (?:in|during) (?:the|this) call)*"
)
_SENTENCES = re.compile(
    f"{_WHOSE}(?:(?:has|have|is|was|were|did|does|do) ?)?(?:not|n't)(?: yet)?(?: been)?"
    f" (?:{_GIVEN}|know|share(?:d(?= by| yet| so))?){_WHEN}"
    f"|(?:no|none)(?: {_WHAT})?(?: (?:was|were|has been|have been))? {_GIVEN}{_WHEN}"
    f"|{_WHOSE}(?:is )?(?:currently |still )?(?:unknown|unspecified|undisclosed|unavailable){_WHEN}"
    f"|{_WHOSE}(?:declined|refused|refuses|prefers? not) to {_GIVEN}(?: (?:it|that))?"
    f"|(?:yet )?to be (?:{_GIVEN}|filled|confirmed|decided|determined|announced){_WHEN}"
    "|not yet|lorem ipsum|(?:i )?(?:do not|don't) have (?:it|that|this)(?: information)?"
    # what templates ask for
    f"|(?:insert |enter |type )?(?:an?|the|some|my|your|dummy|sample|example|placeholder"
    f"|{_CALLER}(?:'s)?) {_WHAT}(?: here)?|(?:insert|enter|type) {_WHAT}(?: here)?"
    f"|{_WHAT} here|{_WHAT} of {_CALLER}"
)
_HOLES = {"[": "]", "{": "}", "<": ">", "【": "】", "«": "»"}
_FILLED = re.compile(r"([xz])\1+")
_NOT_APPLICABLE = re.compile(r"\bn\W{1,3}a\b")  # "n/a", "n. a."; not torn at its stroke
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")  # "notProvided"
_SEPARATORS = re.compile(r"[-/,;:|()\[\]–—]+")


def is_placeholder(text: str, *, key: str = "", options: Sequence[str] = ()) -> bool:
    """Whether the whole text stands for a value that is not there.

    `key` is the field's: repeated as its value it says nothing. `options` are the answers that the
    profile offers: one of them is a value, whatever its words. Blank text is not judged.
    """
    value = _folded(text)
    if not value or any(value == _folded(option) for option in options):
        return False
    if _says_nothing(value, key):
        return True
    # "unknown (not provided)", "Name: N/A": several of them, beside a label at most
    parts = _SEPARATORS.split(_NOT_APPLICABLE.sub("na", value).replace(" - ", "/"))
    said = [part for part in map(str.strip, parts) if part and not _is_label(part, key)]
    words = value.split()
    return _all_say_nothing(said, len(parts), key) or _all_say_nothing(words, len(words), key)


def _all_say_nothing(parts: Sequence[str], of: int, key: str) -> bool:
    return of > 1 and bool(parts) and all(_says_nothing(part, key) for part in parts)


def _says_nothing(value: str, key: str) -> bool:
    bare = _bare(value)
    return (
        not any(letter.isalnum() for letter in bare)  # only signs: "-", "...", "?"
        or _is_hole(value)
        or _FILLED.fullmatch(bare) is not None  # "xxx", "X X X X"
        or _SENTENCES.fullmatch(_plain(value)) is not None
        or bare in _BARE_WORDS
        or bare == _bare(key)
    )


def _is_label(part: str, key: str) -> bool:
    return _bare(part) == _bare(key) or re.fullmatch(_WHAT, part) is not None


def _is_hole(value: str) -> bool:
    """Whether it is a template's: "[name]", "{{phone1}}", "<phone number>", "$name"; a value in
    brackets has figures or an address.
    """
    value = value.strip("*`'\"_.() ")
    if re.fullmatch(r"\$\{?\w+\}?|%\w+%|\{\{.*\}\}", value):
        return True
    if not value or _HOLES.get(value[0]) != value[-1] or "@" in value:
        return False
    return not any(each.isdecimal() for each in value) or bool(
        re.fullmatch(rf"(?:{_WHAT}|digit|\W|\d|_)+", value)
    )


def _folded(text: str) -> str:
    """One form for what reads alike: widths and cases of letters, quotes, spaces, camelCase."""
    composed = unicodedata.normalize("NFKC", _CAMEL.sub(" ", text))
    return " ".join(composed.casefold().replace("’", "'").split())


def _plain(value: str) -> str:
    """The words alone, without quotes and markup around and signs between them."""
    return " ".join(re.sub(r"[_-]+", " ", value).strip(" .,;:!?()*`\"'~").split())


def _bare(value: str) -> str:
    """Without spaces and punctuation; the vowel signs of Indian scripts belong to their letters."""
    return "".join(
        letter for letter in value if letter.isalnum() or unicodedata.category(letter)[0] == "M"
    )


_BARE_WORDS = frozenset(
    _bare(_folded(words))
    for words in (
        *re.split(r"[;\n]", _WORDS.strip()),
        *(words for locale in LOCALES.values() for words in locale.placeholders),
    )
)
