"""A reply as OpenAI's chat completions send it, whole or as a stream of chunks."""

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

from services.sandbox.llm.dialogue import Reply

# Characters of a token, about: Indian scripts take more tokens a word than English.
TOKEN = 6
ARGUMENT_PIECE = 12


def tokens(text: str) -> list[str]:
    """The text in pieces of a token each; joined they give the text again."""
    pieces: list[str] = []
    words = text.split(" ")
    for place, word in enumerate(words):
        rest = word if place == len(words) - 1 else f"{word} "
        while len(rest) > TOKEN + 1:
            pieces.append(rest[:TOKEN])
            rest = rest[TOKEN:]
        pieces.append(rest)
    return [piece for piece in pieces if piece]


class Completion:
    """One answer with its id. `ids` gives the ids of tool calls, `created` is in seconds."""

    def __init__(
        self,
        reply: Reply,
        *,
        model: str,
        created: int,
        number: int,
        prompt: Sequence[dict[str, Any]],
        broken_arguments: bool = False,
    ) -> None:
        self._reply = reply
        self._model = model
        self._created = created
        self._id = f"chatcmpl-{number}"
        self._calls = [
            (f"call_{number}_{place}", call.name, self._arguments(call.arguments, broken_arguments))
            for place, call in enumerate(reply.calls)
        ]
        self._prompt_tokens = sum(len(str(each.get("content") or "")) for each in prompt) // 4

    @property
    def finish_reason(self) -> str:
        return "tool_calls" if self._calls else "stop"

    def usage(self) -> dict[str, int]:
        completion = len(tokens(self._reply.text)) + sum(
            len(arguments) // 4 + 1 for _, _, arguments in self._calls
        )
        return {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self._prompt_tokens + completion,
        }

    def whole(self) -> dict[str, Any]:
        """The body of an answer that is not streamed."""
        message: dict[str, Any] = {"role": "assistant", "content": self._reply.text or None}
        if self._calls:
            message["tool_calls"] = [
                {
                    "id": call_id,
                    "type": "function",
                    "function": {"name": name, "arguments": arguments},
                }
                for call_id, name, arguments in self._calls
            ]
        return {
            "id": self._id,
            "object": "chat.completion",
            "created": self._created,
            "model": self._model,
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "logprobs": None,
                    "finish_reason": self.finish_reason,
                }
            ],
            "usage": self.usage(),
        }

    def deltas(self) -> Iterator[dict[str, Any]]:
        """The pieces in order: text, then each tool call with id and name first, by index."""
        role: dict[str, Any] = {"role": "assistant"}
        for piece in tokens(self._reply.text):
            yield {**role, "content": piece}
            role = {}
        for index, (call_id, name, arguments) in enumerate(self._calls):
            head = {
                "index": index,
                "id": call_id,
                "type": "function",
                "function": {"name": name, "arguments": ""},
            }
            yield {**role, "tool_calls": [head]}
            role = {}
            for start in range(0, len(arguments), ARGUMENT_PIECE):
                piece = arguments[start : start + ARGUMENT_PIECE]
                yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
        if role:
            yield {**role, "content": ""}

    def chunks(self, *, usage: bool) -> Iterator[dict[str, Any]]:
        """All chunks of the stream, the one with the finish reason and the usage included."""
        ends: list[tuple[dict[str, Any], str | None]] = [({}, self.finish_reason)]
        parts = itertools.chain(((delta, None) for delta in self.deltas()), ends)
        for delta, finish in parts:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            yield self._chunk([choice])
        if usage:
            yield {**self._chunk([]), "usage": self.usage()}

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }

    @staticmethod
    def _arguments(arguments: dict[str, Any], broken: bool) -> str:
        text = json.dumps(arguments, ensure_ascii=False)
        return text[: len(text) // 2] if broken else text
