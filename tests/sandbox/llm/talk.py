"""A conversation with the scripted LLM without any network: messages in, messages out."""

import json
from typing import Any

from services.sandbox.llm.dialogue import Reply, respond
from services.sandbox.scenarios import phrases

KEYS = ("name", "budget", "location", "property_type", "timeline", "visit_time", "phone")


def tools(keys: tuple[str, ...] = KEYS) -> list[dict[str, Any]]:
    """Schemas of save_lead and end_call as the agent declares them."""
    field = {"type": "string", "enum": list(keys)}
    save = {"field": field, "value": {"type": "string"}}
    return [
        _tool("save_lead", save),
        _tool("end_call", {"reason": {"type": "string"}}),
    ]


def _tool(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def block(language: str = "en-IN", **changes: Any) -> dict[str, Any]:
    """The block of the built-in kind of profile."""
    ask = phrases("en-IN" if language == "unknown" else language).ask
    fields = [{"key": key, "question": ask[key]} for key in KEYS]
    return {"bolchaal": 1, "language": language, "agent": "Griha", "fields": fields} | changes


class Talk:
    """Keeps the messages as an agent session would."""

    def __init__(self, facts: dict[str, Any], declared: list[dict[str, Any]] | None = None) -> None:
        text = f"Be kind.\n```json\n{json.dumps(facts, ensure_ascii=False)}\n```\nThat is all."
        self.messages: list[dict[str, Any]] = [{"role": "system", "content": text}]
        self.tools = tools() if declared is None else declared
        self.lead: dict[str, str] = {}
        self.ended = False

    def agent(self, tool_answer: str = "saved") -> Reply:
        """The agent's whole turn: what it says, its tool calls, what it says after them."""
        reply = respond(self.messages, self.tools)
        self.messages.append(_message(reply, len(self.messages)))
        if not reply.calls:
            return reply
        for place, call in enumerate(reply.calls):
            self.ended = self.ended or call.name == "end_call"
            if call.name == "save_lead" and tool_answer == "saved":
                self.lead[call.arguments["field"]] = call.arguments["value"]
            call_id = f"c{len(self.messages) - 1 - place}-{place}"
            self.messages.append({"role": "tool", "tool_call_id": call_id, "content": tool_answer})
        more = self.agent()
        return Reply(f"{reply.text} {more.text}".strip(), reply.calls + more.calls)

    def say(self, text: str, tool_answer: str = "saved") -> Reply:
        """The caller says something; the agent's whole turn follows."""
        self.messages.append({"role": "user", "content": text})
        return self.agent(tool_answer)


def _message(reply: Reply, number: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.calls:
        message["tool_calls"] = [
            {
                "id": f"c{number}-{place}",
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": json.dumps(call.arguments, ensure_ascii=False),
                },
            }
            for place, call in enumerate(reply.calls)
        ]
    return message
