"""What a tool is: typed arguments, words for the model, and the work."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from livekit.agents import RunContext, StopResponse, ToolError, function_tool, llm
from livekit.agents.voice import SpeechHandle
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from services.agent.lead.recorder import LeadRecorder
from shared.calls.log import ToolCall
from shared.errors import Invalid, Unavailable
from shared.leads.model import ValueSource

BAD_ARGUMENTS = "bad_arguments"  # the error in the call log

# JSON's kinds of values, in the words of a sentence.
_KINDS = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


class Arguments(BaseModel):
    """Base of a tool's arguments. Nothing is converted: a number is no text.

    The model is told that all of them are required; a default here only says what a missing one
    is taken for. Arguments that nobody asked for are ignored.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Dialogue(Protocol):
    """What a tool may ask of the conversation that it runs in."""

    @property
    def last_source(self) -> ValueSource:
        """How the caller's last turn came."""
        ...

    def end_after(self, speech: SpeechHandle) -> bool:
        """Ends the call once `speech` was heard; whether the reply has words already."""
        ...


@dataclass(frozen=True, slots=True)
class ToolContext:
    """The call in which a tool runs."""

    recorder: LeadRecorder
    dialogue: Dialogue
    log: Callable[[ToolCall], None]


ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)


class Tool(ABC, Generic[ArgumentsT]):
    """One tool; has no state, so that one instance serves all calls.

    `rules` are lines of the system prompt ("- ..."); `advice` follows what the model reads when its
    arguments cannot be read. Tools are listed by `position`, then by name.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    rules: ClassVar[str] = ""
    advice: ClassVar[str] = "call the tool again with arguments of its schema"
    position: ClassVar[int] = 100
    arguments: type[ArgumentsT]

    @abstractmethod
    async def run(
        self, arguments: ArgumentsT, context: ToolContext, run: RunContext[Any], /
    ) -> str:
        """Does the work; answers what the model reads.

        Raises Invalid with a sentence that the model can act on, Unavailable with what it is to
        say, and StopResponse when there is nothing left to say.
        """

    def properties(self, _: ToolContext, /) -> dict[str, dict[str, Any]]:
        """JSON Schema of each argument; to be extended by what only the call knows."""
        properties: dict[str, dict[str, Any]] = self._schema()["properties"]
        return properties

    def fields(self, _: ArgumentsT, __: ToolContext, /) -> tuple[str, ...]:
        """Keys of the lead's fields that the call log names for this use."""
        return ()

    def bind(self, context: ToolContext) -> llm.Tool:
        """The tool as livekit-agents runs it in one call."""

        async def call(raw_arguments: dict[str, object], run: RunContext[Any]) -> str:
            return await self._call(raw_arguments, context, run)

        call.__name__ = self.name
        properties = {name: _ordered(schema) for name, schema in self.properties(context).items()}
        parameters = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        if definitions := self._schema().get("$defs"):
            parameters["$defs"] = definitions
        return function_tool(
            call,
            raw_schema={
                "name": self.name,
                "description": self.description,
                "parameters": parameters,
            },
        )

    async def _call(
        self, raw_arguments: dict[str, object], context: ToolContext, run: RunContext[Any]
    ) -> str:
        try:
            arguments = self.arguments.model_validate(raw_arguments)
        except ValidationError as error:
            context.log(ToolCall(name=self.name, ok=False, error=BAD_ARGUMENTS))
            said = "; ".join(_sentence(each) for each in error.errors(include_url=False))
            raise ToolError(f"error: {said}: {self.advice}") from error
        try:
            answer = await self.run(arguments, context, run)
        except (Invalid, Unavailable) as error:
            fields = self.fields(arguments, context)
            context.log(ToolCall(name=self.name, fields=fields, ok=False, error=error.code))
            said = f"error: {error.message}" if isinstance(error, Invalid) else error.message
            raise ToolError(said) from error
        except StopResponse:
            context.log(ToolCall(name=self.name, fields=self.fields(arguments, context)))
            raise
        context.log(ToolCall(name=self.name, fields=self.fields(arguments, context)))
        return answer

    def _schema(self) -> dict[str, Any]:
        return self.arguments.model_json_schema()


def _ordered(schema: dict[str, Any]) -> dict[str, Any]:
    """Type first, then what is allowed, then the words; without pydantic's own notes."""
    rest = {key: value for key, value in schema.items() if key not in ("title", "default")}
    first: dict[str, Any] = {key: rest.pop(key) for key in ("type", "enum") if key in rest}
    return first | rest


def _sentence(fault: ErrorDetails) -> str:
    """What is wrong with one argument; its value is not repeated."""
    name = ".".join(map(str, fault["loc"])) or "the arguments"
    if fault["type"] == "missing":
        return f"{name} is missing"
    expected = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    if fault["type"] == "string_type":
        expected = "text"
    given = _KINDS.get(type(fault["input"]), "this")
    return f"{name} must be {expected}, not {given}"
