"""The tools that there are."""

from typing import Any

from livekit.agents import llm

from services.agent import tools
from services.agent.tools.tool import Tool, ToolContext
from shared.discovery import discover

TOOLS: tuple[Tool[Any], ...] = tuple(
    sorted(discover(tools, "TOOL", Tool), key=lambda each: (each.position, each.name))
)


def rules() -> str:
    """What the system prompt says of the tools, line by line."""
    return "".join(tool.rules for tool in TOOLS)


def bind_all(context: ToolContext) -> list[llm.Tool | llm.Toolset]:
    """The tools of one call."""
    return [tool.bind(context) for tool in TOOLS]
