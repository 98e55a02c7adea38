"""What the scripted LLM says next, from the messages alone: it remembers nothing between requests.

It follows the questions of the profile that it finds in the system prompt, notes what the caller
says with the tools that it is given, and closes the call when all is known.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field as dataclass_field
from typing import Any

from services.sandbox.llm.extract import understand
from services.sandbox.llm.prompt import (
    AskedField,
    Block,
    Toolbox,
    content,
    end_arguments,
    read_block,
    save_arguments,
)
from services.sandbox.scenarios.phrases import KNOWN_KEYS, Phrases, phrases, spoken_language
from services.sandbox.scenarios.text import contains
from shared.locales.model import UNKNOWN
from shared.locales.registry import ENGLISH

# How often a question is put before the agent goes on without an answer.
TRIES = 2
# How a tool's answer begins when it refused.
REFUSED_PREFIXES = ("error", "invalid", "refused", "not saved", "an internal error")


@dataclass(frozen=True, slots=True)
class ToolInvocation:
    """One tool call."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """One message of the assistant."""

    text: str = ""
    calls: tuple[ToolInvocation, ...] = ()


@dataclass(slots=True)
class _CallSoFar:
    """What the messages tell about the call so far."""

    block: Block
    messages: Sequence[dict[str, Any]]
    words: Phrases
    own_language: bool
    tries: int = TRIES
    collected: dict[str, str] = dataclass_field(default_factory=dict)
    refused: set[str] = dataclass_field(default_factory=set)

    def said_by(self, role: str) -> list[str]:
        return [
            text for each in self.messages if each.get("role") == role and (text := content(each))
        ]

    def question(self, field: AskedField) -> str:
        """The question in the language that the agent speaks, as far as it has the words."""
        if field.question and (self.own_language or field.key not in KNOWN_KEYS):
            return field.question
        return self.words.ask.get(field.key) or field.question

    def asks(self, text: str, field: AskedField) -> bool:
        """Whether the agent's sentence puts this field's question."""
        own = (phrases(self.words.language).ask.get(field.key, ""), field.question)
        if any(question and contains(text, question) for question in own):
            return True
        if field.key == "phone" and contains(text, self.words.ask["phone_again"]):
            return True
        return field.key == "name" and any(
            contains(text, phrase) for phrase in self.words.about.name
        )

    def times_asked(self, field: AskedField) -> int:
        return sum(self.asks(text, field) for text in self.said_by("assistant"))

    def open_fields(self) -> list[AskedField]:
        """Fields that are still worth asking for, in order."""
        return [
            field
            for field in self.block.fields
            if field.key not in self.collected and self.times_asked(field) < self.tries
        ]

    def asked(self) -> AskedField | None:
        """The field that the agent's last words asked for."""
        spoken = self.said_by("assistant")
        if not spoken:
            return None
        for field in self.block.fields:
            if self.asks(spoken[-1], field):
                return field
        # An interruption cuts sentences short: then it was what is asked next.
        greeting_only = len(spoken) == 1 and not self.collected
        if greeting_only:
            return None
        return next(iter(self.open_fields()), None)


def respond(messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]] | None) -> Reply:
    """The assistant's next message."""
    block = read_block(messages)
    if block is None:
        return Reply("I am the sandbox's scripted model: I need the JSON block of a call.")
    call = _read(block, messages)
    toolbox = Toolbox(tools)
    if toolbox.save() is None:  # nothing tells what was answered: each question once
        call.tries = 1
    last = next((each for each in reversed(messages) if each.get("role") != "system"), None)
    role = last.get("role") if last else None
    if role == "tool":
        return _after_tools(call, toolbox)
    if role == "user":
        return _answer(call, toolbox, content(last or {}))
    return _open(call, toolbox)


def _read(block: Block, messages: Sequence[dict[str, Any]]) -> _CallSoFar:
    words, own = _language(block, messages)
    call = _CallSoFar(block, messages, words, own)
    call.collected = {
        key: str(value) for key, value in block.collected.items() if value not in (None, "")
    }
    requested: dict[str, dict[str, str]] = {}
    for message in messages:
        for each in message.get("tool_calls") or ():
            requested[str(each.get("id"))] = _saved(each.get("function") or {})
        if message.get("role") == "tool":
            values = requested.get(str(message.get("tool_call_id")), {})
            if is_refusal(content(message)):
                call.refused |= set(values)
            else:
                call.collected |= values
                call.refused -= set(values)
    return call


def _saved(function: dict[str, Any]) -> dict[str, str]:
    """Fields and values of a tool call that notes some; empty for any other."""
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except ValueError:
        return {}
    if not isinstance(arguments, dict) or function.get("name") in ("end_call", "transfer_call"):
        return {}
    if "field" in arguments:
        return {str(arguments["field"]): str(arguments.get("value", ""))}
    return {str(key): str(value) for key, value in arguments.items()}


def is_refusal(result: str) -> bool:
    """Whether a tool's answer says that it did not do what was asked."""
    try:
        data = json.loads(result)
    except ValueError:
        return result.strip().lower().startswith(REFUSED_PREFIXES)
    return isinstance(data, dict) and (data.get("ok") is False or "error" in data)


def _language(block: Block, messages: Sequence[dict[str, Any]]) -> tuple[Phrases, bool]:
    """The language to speak, and whether the block's questions are in it."""
    if block.language != UNKNOWN:
        return phrases(block.language), True
    said = [content(each) for each in reversed(messages) if each.get("role") == "user"]
    heard = next((language for text in said if (language := spoken_language(text))), None)
    questions = " ".join(field.question for field in block.fields)
    own = block.profile_language
    if own in (None, UNKNOWN):
        own = spoken_language(f"{block.greeting or ''} {questions}")
    language = heard or own or ENGLISH
    return phrases(language), language == own


def _spoken(call: _CallSoFar) -> list[Phrases]:
    """Phrases by which the caller's words are taken apart: the call's language, then English."""
    english = phrases(ENGLISH)
    return [call.words] if call.words is english else [call.words, english]


def _open(call: _CallSoFar, toolbox: Toolbox) -> Reply:
    """The agent speaks without being spoken to: it greets, resumes, or asks again."""
    if call.said_by("assistant"):
        return _next(call, toolbox, "")
    if call.collected or call.said_by("user"):
        return _next(call, toolbox, call.words.agent.resumed)
    greeting = call.block.greeting or call.words.agent.greet.format(agent=call.block.agent)
    if any(call.asks(greeting, field) for field in call.block.fields):
        return Reply(greeting)
    return _next(call, toolbox, greeting)


def _answer(call: _CallSoFar, toolbox: Toolbox, text: str) -> Reply:
    if any(contains(text, keyword) for keyword in call.block.transfer_keywords):
        return _transfer(call, toolbox)
    asked = call.asked()
    got = understand(text, asked, call.block.fields, _spoken(call))
    values = {key: value for key, value in got.values.items() if call.collected.get(key) != value}
    save = toolbox.save()
    if save and (arguments := save_arguments(save, values)):
        noted = call.words.agent.noted
        return Reply(
            noted[len(call.collected) % len(noted)],
            tuple(ToolInvocation(save.name, each) for each in arguments),
        )
    if got.leaving:
        return _close(call, toolbox, "")
    if asked is None or asked.key in call.collected or got.greeted:
        return _next(call, toolbox, "")
    if text.rstrip().endswith("?") and not got.evaded:
        return Reply(_sentences(call.words.agent.later, call.question(asked)))
    if call.times_asked(asked) >= call.tries:
        return _next(call, toolbox, call.words.agent.skip)
    if got.incomplete:
        return Reply(_sentences(call.words.agent.again, call.words.ask["phone_again"]))
    return Reply(_sentences(call.words.agent.again, call.question(asked)))


def _transfer(call: _CallSoFar, toolbox: Toolbox) -> Reply:
    """The caller wants a person: with the tool for it, or by a promise to be called back."""
    transfer = toolbox.transfer()
    if transfer is None:
        return _next(call, toolbox, call.words.agent.human)
    arguments = end_arguments(transfer, "asked for a person")
    return Reply(call.words.agent.human, (ToolInvocation(transfer.name, arguments),))


def _after_tools(call: _CallSoFar, toolbox: Toolbox) -> Reply:
    ending = toolbox.end()
    if ending and _last_calls(call.messages) & {ending.name}:
        return Reply()
    refused = [field for field in call.block.fields if field.key in call.refused]
    for field in refused:
        if field.key not in call.collected and call.times_asked(field) < call.tries:
            again = call.words.ask["phone_again"] if field.key == "phone" else call.question(field)
            return Reply(_sentences(call.words.agent.again, again))
    return _next(call, toolbox, "")


def _last_calls(messages: Sequence[dict[str, Any]]) -> set[str]:
    """Names of the tools that the last assistant message called."""
    for message in reversed(messages):
        if message.get("role") == "assistant":
            calls = message.get("tool_calls") or ()
            return {str((each.get("function") or {}).get("name")) for each in calls}
    return set()


def _next(call: _CallSoFar, toolbox: Toolbox, before: str) -> Reply:
    """The next question after the sentence `before`, or thanks and the end of the call."""
    still_open = call.open_fields()
    if still_open:
        return Reply(_sentences(before, call.question(still_open[0])))
    return _close(call, toolbox, before)


def _close(call: _CallSoFar, toolbox: Toolbox, before: str) -> Reply:
    """Thanks, and the end of the call."""
    end = toolbox.end()
    missing = any(field.required and field.key not in call.collected for field in call.block.fields)
    reason = "caller_done" if missing else "lead_complete"
    calls = (ToolInvocation(end.name, end_arguments(end, reason)),) if end else ()
    return Reply(_sentences(before, call.words.agent.thanks), calls)


def _sentences(*parts: str) -> str:
    return " ".join(part for part in parts if part)
