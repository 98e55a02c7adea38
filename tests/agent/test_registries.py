"""A tool and a provider of language models are one module each: shown with made-up ones."""

import json
from pathlib import Path
from typing import Any

from tests.service import run_python

TOOL = """
from services.agent.tools.tool import Arguments, Tool

class Nothing(Arguments):
    pass

class Hold(Tool[Nothing]):
    name = "hold"
    description = "Puts the caller on hold."
    rules = "- Call hold when you are told to wait.\\n"
    arguments = Nothing
    async def run(self, arguments, context, run):
        return "held"

TOOL = Hold()
"""
PROVIDER = """
from services.agent.llm.providers.provider import Provider

PROVIDER = Provider(
    name="bharat",
    title="Bharat AI",
    base_url="https://api.bharat.example/v1",
    default_model="veena-2",
    preference=30,
    retired_models={"veena-1": "veena-2"},
    without_temperature=("veena",),
    refused={402: "the account"},
)
"""
SEE = """
import json, sys
from services.agent import tools
from services.agent.llm import providers
tools.__path__.append(sys.argv[1])
providers.__path__.append(sys.argv[2])
from typing import Any, cast
from deploy.docs import collect
from services.agent.conversation.prompt import system_prompt
from services.agent.llm.models import build
from services.agent.settings import AgentSettings
from services.agent.tools.registry import TOOLS
from shared.calls import Call
from shared.profiles.model import Profile
config = AgentSettings(_env_file=None)
profile = Profile(id="x")
call = Call(id="i", lead_id="l", room="r", agent_id="x", language="en-IN", voice="priya",
            profile=profile, profile_version="v")
prompt = system_prompt(call, profile.localised("en-IN"), default_language="hi-IN", fallback="")
[choice] = config.model_choices()
[model] = build([choice], config.model_options())
print(json.dumps({
    "tools": [tool.name for tool in TOOLS],
    "rule": "Call hold when" in prompt,
    "settings": [entry.name for entry in collect() if entry.name == "BHARAT_API_KEY"],
    "named": next(e.description for e in collect() if e.name == "LLM_PROVIDER"),
    "model": model.name,
    "address": choice.base_url,
    "refused": model.refused[402],
    "temperature": str(model.client._opts.temperature),
}))
"""


async def see(tmp_path: Path, **environment: str) -> tuple[dict[str, Any], str]:
    """What a process with the made-up modules makes of its environment, and its stderr."""
    for folder, name, text in (("tools", "hold", TOOL), ("providers", "bharat", PROVIDER)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.py").write_text(text)
    variables = {
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "LIVEKIT_URL": "ws://127.0.0.1:1",
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "a-secret-of-thirty-two-characters-0",
        "SARVAM_API_KEY": "sandbox",
        **environment,
    }
    folders = (str(tmp_path / "tools"), str(tmp_path / "providers"))
    code, out, said = await run_python(tmp_path, "-c", SEE, *folders, **variables)
    return (json.loads(out) if code == 0 else {}), said


async def test_one_module_makes_a_tool_and_one_a_provider(tmp_path: Path) -> None:
    """The next three providers and the console's tools are added without opening the agent."""
    seen, said = await see(tmp_path, BHARAT_API_KEY="key", LLM_MODEL="veena-1")
    assert seen, said
    assert {"save_lead", "end_call", "hold"} <= set(seen["tools"])
    assert seen["rule"]
    assert seen["settings"] == ["BHARAT_API_KEY"]
    assert "bharat" in seen["named"].partition("; unset")[0].split(" or ")
    assert (seen["model"], seen["address"]) == ("veena-2", "https://api.bharat.example/v1")
    assert seen["refused"] == "the account"
    assert seen["temperature"] == "NOT_GIVEN"


async def test_its_key_is_asked_for_with_the_others(tmp_path: Path) -> None:
    """An operator without a key reads all that would do."""
    seen, said = await see(tmp_path)
    assert seen == {}
    assert "GROQ_API_KEY: not set and neither is " in said
    assert "BHARAT_API_KEY" in said
