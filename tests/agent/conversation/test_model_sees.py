"""All that the language model reads of a call, against what it read before.

A changed line changes how every agent talks. Who means it writes the files of golden/ anew:
python -m tests.agent.conversation.test_model_sees
"""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from services.agent.conversation.prompt import system_prompt
from services.agent.lead.recorder import LeadRecorder
from services.agent.tools import registry
from services.agent.tools.tool import ToolContext
from shared.calls import Call, HeldCall
from shared.profiles.model import LeadField, Profile, Question, Translation

GOLDEN = Path(__file__).parent / "golden"
SCHOOL = Profile(
    id="school",
    name="Sunrise School",
    language="en-IN",
    system_prompt="You answer for Sunrise School.",
    greeting="Hello, Sunrise School. How can I help?",
    qualification_questions=(
        "Which class is it for?",
        Question(key="visit", question="When do you want to visit?", required=False, type="date"),
    ),
    transfer_keywords=("manager", "इंसान"),
    translations={
        "ta-IN": Translation(greeting="வணக்கம்!", qualification_questions=("எந்த வகுப்பு?",))
    },
    lead_fields=(
        LeadField(key="fees", type="money", required=True, question="What is your budget?"),
        LeadField(key="board", type="enum", options=("CBSE", "ICSE")),
        LeadField(key="transport", type="boolean"),
    ),
)
PLAIN = Profile(id="plain", name="Plain", qualification_questions=())


def sees(profile: Profile, language: str, collected: dict[str, Any]) -> str:
    """The system prompt and the tools' schemas, as one text."""
    call = Call(
        id="id",
        lead_id="lead",
        room="room",
        agent_id=profile.id,
        language=language,
        voice="priya",
        user_name="Asha" if language == "en-IN" else "",
        profile=profile,
        profile_version="v",
    )
    localised = profile.localised(language)
    prompt = system_prompt(
        call, localised, default_language="hi-IN", fallback="sorry", collected=collected
    )
    nothing = cast("Any", None)
    held = HeldCall(call_id="id", attempt=1)
    recorder = LeadRecorder(nothing, call, held, localised, nothing)
    tools: Any = registry.bind_all(ToolContext(recorder, nothing, nothing))
    schemas = [tool.info.raw_schema for tool in tools]
    return f"{prompt}\n=== tools ===\n{json.dumps(schemas, ensure_ascii=False, indent=1)}\n"


CASES: dict[str, tuple[Profile, str, dict[str, Any]]] = {
    "school-en-IN": (SCHOOL, "en-IN", {}),
    "school-ta-IN": (SCHOOL, "ta-IN", {"name": "ராகுல்", "fees": 50000}),
    "plain-unknown": (PLAIN, "unknown", {}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_model_reads_what_it_read_before(case: str) -> None:
    """Byte by byte, since a model reacts to a blank."""
    assert sees(*CASES[case]) == (GOLDEN / f"{case}.txt").read_text("utf-8")


if __name__ == "__main__":
    for case, what in CASES.items():
        (GOLDEN / f"{case}.txt").write_text(sees(*what), "utf-8")
