"""A new destination is one module: shown with one that the product does not have."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from deploy import docs
from services.leads.destinations import registry
from services.leads.destinations.base import DestinationSettings
from services.leads.destinations.lead_capture import LeadCapture
from shared.bus import Bus
from shared.events import ProfileWanted
from tests.leads.world import receiving
from tests.service import Process
from tests.valkey import free_port
from tests.waiting import until

NAME = "profile-wanted-echo"
WITH = "tests.leads.with_new_destination"


async def _run(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Exit code and output of a module that has the new destination."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", WITH, *arguments],
        cwd=docs.ROOT,
        env={"COLUMNS": "200", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


async def test_a_new_destination_is_delivered_listed_and_watched(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    """Every webhook more would be a change in ten files, and one of them be forgotten."""
    port = free_port()
    async with receiving(replies=[(403, "Authorization data is wrong!")]) as n8n:
        environment = {
            "REDIS_URL": redis_url,
            "N8N_BASE_URL": n8n.url,
            "N8N_WEBHOOK_PROFILE_WANTED_ECHO": "/webhook/echo",
            "HEALTH_PORT": str(port),
            "LEAD_RETRY_LONGEST": "2",
        }
        with Process(WITH, environment, tmp_path / "log", "services.leads"):
            await Bus(redis, "test").publish(ProfileWanted(agent_id="asha"))

            async def reason() -> str | None:
                async with httpx.AsyncClient() as client:
                    try:
                        answer = await client.get(f"http://127.0.0.1:{port}/readyz")
                    except httpx.TransportError:
                        return None  # it starts
                said: str | None = answer.json()["reasons"].get("n8n_profile_wanted_echo")
                return said

            assert await until(reason, timeout=20) == "N8N refuses our credentials (403)"
            await n8n.posted(2)
            assert n8n.posts[1].payload == {"type": "profile.wanted", "agent_id": "asha"}

            async def acknowledged() -> bool:
                code, text = await _run(
                    environment, "services.leads.cli", "leads", "list", "--to", NAME
                )
                assert code == 0, text
                return "asha" in text and "acknowledged" in text

            await until(acknowledged, timeout=20)
    code, text = await _run(
        environment, "services.leads.cli", "leads", "show", "asha", "--to", NAME
    )
    assert (code, "403" in text) == (0, True), text


async def test_a_new_destination_brings_its_setting_into_all_documents() -> None:
    """An operator could not find the variable that switches it on."""
    code, text = await _run({}, "deploy.docs", "--check")
    assert code == 1
    for name in (".env.example", "README.md", "docker-compose.yml"):
        assert f"{name}: out of date" in text


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"name": "Lead Capture"}, "is no name"),
        ({"name": "lead-capture"}, "or there twice"),
        ({"name": "echo", "settings": DestinationSettings}, "have no n8n_webhook_echo"),
    ],
)
def test_a_wrong_declaration_is_refused(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], fault: str
) -> None:
    """Two destinations under one name would take each other's deliveries."""
    made = type("Made", (LeadCapture,), changes)
    monkeypatch.setattr("services.leads.destinations.call_ended.DESTINATION", made)
    with pytest.raises(TypeError, match=fault):
        registry.all_destinations()


def test_lead_capture_is_the_first() -> None:
    """Its setting would come after others in the documents."""
    names = [each.name for each in registry.DESTINATIONS]
    assert names == ["lead-capture", *sorted(set(names) - {"lead-capture"})]
