"""What the caller says next, from what both sides have said so far. No input or output.

It answers what was asked, in whatever words a real model asks it; when it cannot tell, it says the
next thing that it has not said yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.sandbox.caller.script import CONTACT, Script, ScriptLine
from services.sandbox.scenarios import phrases
from services.sandbox.scenarios.numbers import digits_of
from services.sandbox.scenarios.phrases import contact_asked
from services.sandbox.scenarios.text import find, nfc, words
from shared.locales.registry import ENGLISH

# How far back a question may lie: an agent thanks and asks in two messages.
LOOK_BACK = 3
# How often the same thing is said when it is asked again and again.
REPEATS = 3
# Share of a question's words that a rephrased one must have, and how much of a word's beginning
# counts: Indian languages inflect the end.
ALIKE = 0.5
STEM = 4


@dataclass(frozen=True, slots=True)
class CallerUtterance:
    """`field` is the key that it answers; None for a yes or a goodbye."""

    text: str
    field: str | None


def next_utterance(
    script: Script, agent_said: Sequence[str], caller_said: Sequence[str]
) -> CallerUtterance | None:
    """The caller's next words; None when there is nothing left to say.

    Both lists hold the whole call so far, oldest first.
    """
    said = [nfc(text) for text in caller_said]
    last = nfc(agent_said[-1]) if agent_said else ""
    left = [line for line in script.lines if line.say not in said]
    repeatable = [line for line in script.lines if said.count(line.say) < REPEATS]
    if line := _asked(last, repeatable, script):
        return CallerUtterance(line.say, line.key)
    if _reads_back(last, script, said):
        return CallerUtterance(script.words.caller.yes[0], None)
    for text in reversed(agent_said[-LOOK_BACK:-1]):
        if line := _asked(nfc(text), left, script):
            return CallerUtterance(line.say, line.key)
    if line := _alike(last, left):
        return CallerUtterance(line.say, line.key)
    if left:
        line = next((line for line in left if not said and line.key == "name"), left[0])
        return CallerUtterance(line.say, line.key)
    bye = nfc(script.words.caller.bye)
    if "?" in last and bye not in said:
        return CallerUtterance(bye, None)
    return None


def _asked(text: str, lines: Sequence[ScriptLine], script: Script) -> ScriptLine | None:
    """The line whose question is in the text; of several, the one asked last."""
    plain = words(text)
    best: tuple[int, int, ScriptLine] | None = None  # where its question ends, how long it is
    for line in lines:
        for question in line.questions:
            wanted = words(question)
            place = find(wanted, plain)
            if place >= 0 and (best is None or (place + len(wanted), len(wanted)) > best[:2]):
                best = (place + len(wanted), len(wanted), line)
    if best:
        return best[2]
    spoken = [script.words, phrases(ENGLISH)]
    subject = contact_asked(text, spoken) if "?" in text else None
    return next((line for line in lines if line.key == subject), None)


def _alike(text: str, lines: Sequence[ScriptLine]) -> ScriptLine | None:
    """The line whose question shares most words with the text, if it shares enough."""
    heard = {word[:STEM] for word in words(text)}
    scored = [
        (_share(words(question), heard), line) for line in lines for question in line.questions
    ]
    share, line = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return line if share >= ALIKE else None


def _share(question: Sequence[str], heard: set[str]) -> float:
    stems = [word[:STEM] for word in question]
    return sum(stem in heard for stem in stems) / len(stems) if stems else 0.0


def _reads_back(text: str, script: Script, said: Sequence[str]) -> bool:
    """Whether the agent repeats the phone number or the name and wants to hear that it is right."""
    if "?" not in text:
        return False
    digits = "".join(digits_of(word) or "" for word in text.split())
    for line in script.lines:
        if line.say not in said or line.key not in CONTACT:
            continue
        if line.key == "phone" and line.value[-10:] in digits:
            return True
        if line.key == "name" and find(words(line.value), words(text)) >= 0:
            return True
    return False
