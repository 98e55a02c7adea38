"""Values out of what a caller said or typed: "जी, मेरा नाम आशा वर्मा है" holds आशा वर्मा.

Works on words (see scenarios/text.py). A field that the caller names ("my budget is ...") is taken
whatever was asked; what is left over answers the field that was asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field as dataclass_field
from functools import cache

from services.sandbox.llm.prompt import AskedField
from services.sandbox.scenarios.numbers import digits_of, find_phone, has_digits
from services.sandbox.scenarios.phrases import KNOWN_KEYS, Phrases, contact_asked, phrases
from services.sandbox.scenarios.text import (
    CLAUSE_ENDS,
    PUNCTUATION,
    bare,
    find,
    nfc,
    words,
)

# A name is a few words; more without "my name is" is something else.
LONGEST_NAME = 4
# "I don't know yet, I would have to ask": an evasion may have some words around it.
SLACK = 4


@dataclass(slots=True)
class Understood:
    """What one utterance gave. `evaded`: the caller does not know, or will not say.

    `greeted`: nothing but a greeting. `incomplete`: digits, but no phone number. `leaving`: the
    caller takes leave.
    """

    values: dict[str, str] = dataclass_field(default_factory=dict)
    evaded: bool = False
    greeted: bool = False
    incomplete: bool = False
    leaving: bool = False


def understand(
    text: str, asked: AskedField | None, fields: Iterable[AskedField], spoken: Sequence[Phrases]
) -> Understood:
    """Takes apart one utterance. `spoken` are the phrases to try, the likeliest language first."""
    known = {each.key: each for each in fields}
    out = Understood()
    said = [word for word in nfc(text).split() if bare(word) or digits_of(word)]
    said = _take_phone(said, known, spoken, out)
    said = _take_named(said, known, spoken, out)
    rest = _trimmed(said, spoken)
    if not out.values and _says(text, spoken, "goodbye"):
        out.leaving = True
        return out
    if asked is None or asked.key in out.values:
        out.greeted = not rest and not out.values
        return out
    if not out.values and _says(text, spoken, "unsure"):
        out.evaded = True
        return out
    if nfc(text).rstrip().endswith("?"):  # the caller asks something
        return out
    subject = contact_of(asked, spoken)
    answer = _answer(rest, said, asked, subject=subject, spoken=spoken, out=out)
    if answer:
        out.values[asked.key] = answer
        if subject == "name" in known:
            out.values.setdefault("name", answer)
    out.greeted = not out.values and not rest
    return out


def contact_of(asked: AskedField, spoken: Sequence[Phrases]) -> str:
    """`name` or `phone` when that is what the question asks for, under whatever key."""
    if asked.key in KNOWN_KEYS:
        return asked.key
    if asked.type == "phone":
        return "phone"
    return contact_asked(asked.question, spoken) or asked.key


def _take_phone(
    said: list[str], known: dict[str, AskedField], spoken: Sequence[Phrases], out: Understood
) -> list[str]:
    """Takes the phone number, and the words around it, out of what was said."""
    phone = find_phone(said)
    if phone is None or "phone" not in known:
        return said
    out.values["phone"] = phone.number
    before, after = said[: phone.start], said[phone.end :]
    for prefix, suffix in _carriers(spoken, "phone"):
        if prefix and words(" ".join(before[-len(prefix) :])) == prefix:
            before = before[: -len(prefix)]
            if suffix and words(" ".join(after[: len(suffix)])) == suffix:
                after = after[len(suffix) :]
            break
        if not prefix and suffix and words(" ".join(after[: len(suffix)])) == suffix:
            after = after[len(suffix) :]
            break
    return before + after


def _take_named(
    said: list[str], known: dict[str, AskedField], spoken: Sequence[Phrases], out: Understood
) -> list[str]:
    """Takes what the caller names by itself: "my name is ...", "my budget is ..."."""
    for key in dict.fromkeys(key for each in spoken for key in each.named):
        if key not in known or key in out.values:
            continue
        for prefix, suffix in _split(
            tuple(carrier for each in spoken for carrier in each.named[key])
        ):
            span = _span(said, prefix, suffix, spoken)
            if span is None:
                continue
            start, first, last, end = span
            value = _clean(said[first:last])
            if not value or (key == "name" and last - first > LONGEST_NAME):
                continue
            out.values[key] = value
            said = said[:start] + said[end:]
            break
    return said


def _span(
    said: Sequence[str], prefix: list[str], suffix: list[str], spoken: Sequence[Phrases]
) -> tuple[int, int, int, int] | None:
    """Where a carrier stands: its start, the value's start and end, its end."""
    plain = [bare(word) for word in said]
    start = find(prefix, plain)
    if start < 0:
        return None
    first = start + len(prefix)
    if suffix:
        last = find(suffix, plain, first + 1)
        return (start, first, last, last + len(suffix)) if last >= 0 else None
    connectors = {word for each in spoken for word in each.caller.connectors}
    last = first
    while last < len(said):
        last += 1
        if said[last - 1][-1] in CLAUSE_ENDS or (last < len(said) and plain[last] in connectors):
            break
    return (start, first, last, last) if last > first else None


def _answer(
    rest: list[str],
    said: list[str],
    asked: AskedField,
    *,
    subject: str,
    spoken: Sequence[Phrases],
    out: Understood,
) -> str:
    """The asked field's value out of what is left; empty when there is none."""
    if subject == "phone":
        if "phone" in out.values:
            return out.values["phone"]
        found = find_phone(said)
        out.incomplete = found is None and has_digits(said)
        return found.number if found else ""
    if not rest:
        if out.values:  # "what is your name?" under a key of its own: the name answers it
            return out.values.get(subject, "")
        return _yes_or_no(said, asked, spoken)
    rest = _unwrapped(_trimmed(said, spoken, end=False), subject, spoken)
    if subject == "name" and len(rest) > LONGEST_NAME:
        return ""
    value = _clean(rest)
    if asked.type == "enum" and asked.options:
        return _option(value, asked.options)
    if asked.type in ("number", "integer"):
        return _number(rest) or value
    return value


def _unwrapped(rest: list[str], key: str, spoken: Sequence[Phrases]) -> list[str]:
    """The words without the carrier that wraps all of them: the field's own, then a general one.

    Fillers at the end come off last: in some languages a carrier ends in what is also a yes.
    """
    for carriers in (_carriers(spoken, key), _carriers(spoken, "any")):
        for prefix, suffix in carriers:
            plain = [bare(word) for word in rest]
            inner = rest[len(prefix) : len(rest) - len(suffix)]
            if (
                inner
                and len(rest) > len(prefix) + len(suffix)
                and plain[: len(prefix)] == prefix
                and plain[len(plain) - len(suffix) :] == suffix
            ):
                rest = inner
                break
    return _trimmed(rest, spoken) or rest


def _carriers(spoken: Sequence[Phrases], key: str) -> list[tuple[list[str], list[str]]]:
    """Carriers that count when the field was asked."""
    found = (_split((*each.named.get(key, ()), *each.carriers.get(key, ()))) for each in spoken)
    return [carrier for carriers in found for carrier in carriers]


@cache
def _split(carriers: tuple[str, ...]) -> list[tuple[list[str], list[str]]]:
    """Carriers as (words before, words after), the longest first."""
    halves = (carrier.partition("{}") for carrier in carriers)
    pairs = [(words(before), words(after)) for before, _, after in halves]
    return sorted(pairs, key=lambda pair: -len(pair[0]) - len(pair[1]))


def _trimmed(said: list[str], spoken: Sequence[Phrases], *, end: bool = True) -> list[str]:
    """Without fillers, greetings and connectors at the beginning and, if so wanted, the end."""
    fillers = [filler for each in spoken for filler in _fillers(each.language)]
    changed = True
    while changed and said:
        changed = False
        plain = [bare(word) for word in said]
        for filler in fillers:
            if plain[: len(filler)] == filler:
                said = said[len(filler) :]
            elif end and plain[-len(filler) :] == filler:
                said = said[: -len(filler)]
            else:
                continue
            changed = True
            break
    return said


@cache
def _fillers(language: str) -> tuple[list[str], ...]:
    """What may stand before or after an answer, the longest first."""
    caller = phrases(language).caller
    found = [words(each) for each in (*caller.fillers, *caller.hello, *caller.connectors)]
    return tuple(sorted(found, key=len, reverse=True))


def _yes_or_no(said: list[str], asked: AskedField, spoken: Sequence[Phrases]) -> str:
    """A bare yes or no as the caller said it: an answer to whatever can be answered so."""
    if asked.key in KNOWN_KEYS:
        return ""
    plain = words(" ".join(said))
    for each in spoken:
        for phrase in (*each.caller.no, *each.caller.yes):
            if find(words(phrase), plain) >= 0:
                if asked.type == "boolean":
                    return "no" if phrase in each.caller.no else "yes"
                return _clean(said)
    return ""


def _says(text: str, spoken: Sequence[Phrases], what: str) -> bool:
    """Whether the utterance is one of the caller's phrases of that kind, with few words around."""
    plain = words(text)
    return any(
        find(words(phrase), plain) >= 0 and len(plain) <= len(words(phrase)) + SLACK
        for each in spoken
        for phrase in getattr(each.caller, what)
    )


def _option(value: str, options: Sequence[str]) -> str:
    """The option that was named, else what was said: the tool will refuse it."""
    plain = words(value)
    return next((option for option in options if find(words(option), plain) >= 0), value)


def _number(rest: Sequence[str]) -> str:
    runs = [digits for word in rest if (digits := digits_of(word)) and digits.isdigit()]
    return "".join(runs) if len(runs) == len(rest) else ""


def _clean(value: Sequence[str]) -> str:
    return " ".join(value).strip(PUNCTUATION)
