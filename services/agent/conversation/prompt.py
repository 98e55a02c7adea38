"""The system prompt of a call: the profile's prose, our rules, and one JSON block of facts.

The block is what programs read (`"bolchaal": 1` tells its version); models read both.
"""

import json
from collections.abc import Mapping
from typing import Any

from services.agent.lead.questions import questions
from services.agent.tools.registry import rules as tool_rules
from shared.calls import Call
from shared.locales.model import UNKNOWN
from shared.locales.registry import LANGUAGES
from shared.profiles.model import Localised, Question

VERSION = 1

_RULES = """\
You are {name}, a voice agent on a telephone call. What you write is spoken aloud.

How you speak:
- {language_rule}
- One or two short sentences at a time, in plain spoken words. No lists, no markup, no emoji, no
  brackets. Write numbers the way they are said; read a phone number back in groups of digits.
- Ask one thing at a time and wait for the answer. Do not repeat a greeting that was given.
- When the caller asks something, answer first, then go on with what is still open.
- Never invent facts, prices or promises. What you do not know, a colleague will tell them.

What you find out:
- "fields" in the block below lists what to find out, in order. Ask for each that is not in
  "collected" and was not said yet; one without a question you phrase yourself. Fields that are not
  required you ask for once only.
{tool_rules}{transfer_rule}"""

_TRANSFER = """\
- When the caller asks for a person, with words such as those in "transfer_keywords", do not argue:
  say that a colleague will call back, ask for the name and phone number that are still missing,
  save them, and end the call.
"""


# For a profile that has no greeting in the language of the call.
GREETING = (
    "The call begins. Greet the caller in one short sentence, say who you are, and ask the"
    " first question."
)

# For an agent that goes on with a call whose first agent died.
RESUME = (
    "The line was interrupted for a few seconds and you are back. Do not greet again and do not"
    " ask for what is known. In one short sentence in the caller's language excuse the"
    " interruption; then answer what the caller said last, or ask the next open question."
)

# For a caller who has said nothing for a while.
SILENCE = (
    "The caller has been silent for a while. In one short sentence in their language ask"
    " whether they are still there, and repeat your last question."
)

# For a call that has lasted too long, or in which nobody speaks any more.
GOODBYE = (
    "The call ends now. In one short sentence in the caller's language thank them, say that a"
    " colleague will call back, and say goodbye."
)


def system_prompt(
    call: Call,
    localised: Localised,
    *,
    default_language: str,
    fallback: str,
    collected: Mapping[str, Any] | None = None,
) -> str:
    """The instructions for one call. `collected` holds what an earlier agent has noted."""
    profile = call.profile
    rules = _RULES.format(
        name=profile.name,
        language_rule=_language_rule(call, default_language),
        tool_rules=tool_rules(),
        transfer_rule=_TRANSFER if profile.transfer_keywords else "",
    )
    facts = {
        "bolchaal": VERSION,
        "language": call.language,
        "profile_language": profile.spoken_language(default_language),
        "agent": profile.name,
        "caller_name": call.user_name or None,
        "fields": [_field(question) for question in questions(localised)],
        "collected": dict(collected or {}),
        "greeting": localised.greeting,
        "fallback_message": fallback,
        "transfer_keywords": list(profile.transfer_keywords),
    }
    block = json.dumps(facts, ensure_ascii=False, indent=1)
    return f"{profile.system_prompt.strip()}\n\n{rules}\n```json\n{block}\n```\n".lstrip()


def _language_rule(call: Call, default_language: str) -> str:
    if call.language == UNKNOWN:
        own = LANGUAGES[call.profile.spoken_language(default_language)]
        return (
            f"Begin in {own.name}. From the caller's first words on speak the language that they"
            " speak, in its own script, and change when they change."
        )
    language = LANGUAGES[call.language]
    return (
        f"Speak {language.name} ({language.native}) in its own script, whatever language these"
        " instructions and the questions are in. Only when the caller asks for another language"
        " change to it."
    )


def _field(question: Question) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "key": question.key,
        "question": question.question,
        "required": question.required,
        "type": question.type,
    }
    if question.options:
        entry["options"] = list(question.options)
    return entry
