"""What knows of the made-up language once its file is there. Runs in a copy of the source.

test_new_language.py makes the copy and runs this beside all tests that go over the languages.
"""

import json
import re

import httpx

from services.agent.conversation.backchannel import is_backchannel
from services.agent.conversation.prompt import system_prompt
from services.agent.lead.fields.contact import phone
from services.agent.lead.fields.parse import parse_field
from services.agent.speech import tts
from services.agent.speech.stt import protocol
from services.gateway.page.assets import families
from services.sandbox.caller.script import Asked, invented
from services.sandbox.sarvam.spelling import LEGACY, REALTIME, SYNTHESIS
from services.sandbox.speech.voices import espeak_voice
from shared.calls import Call
from shared.locales.model import UNKNOWN
from shared.locales.registry import LANGUAGES, LOCALES, by_script, is_language, locale, normalise
from shared.profiles import default_profile
from tests.gateway.conftest import client, gateways, rooms
from tests.gateway.test_page_scripts import lang_of
from tests.new_language.made_up import CODE, NAME, made_up

__all__ = ["client", "gateways", "rooms"]  # fixtures


def test_the_registry() -> None:
    assert list(LANGUAGES)[-2:] == [CODE, UNKNOWN]
    assert is_language(CODE)
    assert [normalise(each) for each in ("xx", "XX_in", NAME, "madeup", "xz-IN")] == [CODE] * 5
    assert by_script(made_up("hello there")) == CODE


async def test_the_api_and_the_page(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/api/languages")).json()
    assert {"code": CODE, "name": NAME} in answer["languages"]
    page = (await client.get(f"/?language={CODE}")).text
    assert re.search(rf'value="{CODE}" lang="xx" selected', page)
    assert made_up(NAME) in page
    assert f"It speaks {len(LOCALES)} Indian languages" in page
    assert lang_of(page, [(made_up("hello"), None)]) == ["xx"]
    wanted = {"language": CODE}
    assert (await client.post("/api/token", json=wanted)).status_code == 200


def test_the_font() -> None:
    assert [font.languages for font in families() if "xx" in font.languages] == [("ta", "xx")]


def test_the_agents_ears_and_voice() -> None:
    assert protocol.spelling(CODE) == "xy-IN"
    assert [protocol.language_of(each, UNKNOWN) for each in ("xy-IN", "xz-IN")] == [CODE] * 2
    assert tts.spelling(CODE) == "xz-IN"
    assert is_backchannel(made_up("okay, sure"))


def test_values_of_a_lead() -> None:
    said = made_up("nine eight double seven six five four three two one")
    assert phone(said) == "+919877654321"
    assert parse_field("budget", "money", f"50 {made_up('lakh')}") == 5_000_000
    assert parse_field("loan", "boolean", made_up("no")) is False
    assert made_up("don't know") in locale(CODE).placeholders


def test_the_prompt_and_the_built_in_profile() -> None:
    profile = default_profile()
    call = Call(
        id="id",
        lead_id="lead",
        room="room",
        agent_id=profile.id,
        language=CODE,
        voice="priya",
        profile=profile,
        profile_version="v",
    )
    localised = profile.localised(CODE)
    text = system_prompt(
        call, localised, default_language="hi-IN", fallback=LANGUAGES[CODE].fallback
    )
    block = json.loads(text.partition("```json\n")[2].partition("\n```")[0])
    assert f"Speak {NAME} ({made_up(NAME)})" in text
    assert block["fields"][0]["question"] == made_up("May I know your name?")
    assert by_script(block["greeting"]) == CODE
    assert by_script(block["fallback_message"]) == CODE


def test_the_sandbox() -> None:
    assert espeak_voice(CODE, "shubh").startswith("hi+")
    assert "xy-IN" in REALTIME
    assert "xz-IN" in SYNTHESIS
    assert "xz-IN" in LEGACY
    asked = [Asked(key="q1", question=made_up("Which class?"))]
    assert all(by_script(line.say) == CODE for line in invented(asked, CODE, seed="s").lines)
