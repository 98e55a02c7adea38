"""docker-compose.yml: what runs on a server, without a Docker to run it on."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from deploy import docs

SERVICES = docs.SERVICES


def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((docs.ROOT / name).read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return _load("docker-compose.yml")


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """The settings class of each service."""
    return {name: cls for name, cls in docs.classes() if name in SERVICES}


def test_it_holds_the_four_services_and_redis(compose: dict[str, Any]) -> None:
    """A missing one is a call that nobody answers; the stand-ins have no place on a server."""
    assert set(compose["services"]) == {*SERVICES, "redis"}


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_reaches_its_service(
    service: str, compose: dict[str, Any], settings: dict[str, Any]
) -> None:
    """A setting that compose does not pass is one that an operator sets in vain."""
    environment = compose["services"][service]["environment"]
    assert set(environment) == {name.upper() for name in settings[service].model_fields}
    for name, value in environment.items():
        if name in docs.PINNED:
            assert value == docs.PINNED[name]
        else:
            assert re.fullmatch(rf"\$\{{{name}:-[^}}]*\}}", value), f"{name}: {value}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_waits_for_redis_and_comes_back(service: str, compose: dict[str, Any]) -> None:
    """After a reboot everything has to come up by itself, in an order that works."""
    part = compose["services"][service]
    assert part["restart"] == "always"
    assert part["depends_on"] == {"redis": {"condition": "service_healthy"}}
    assert part["build"] == {"context": ".", "target": service}
    port = "WEB_PORT" if service == "gateway" else "HEALTH_PORT"
    assert part["healthcheck"]["test"] == ["CMD", "python", "healthcheck.py", port]


def test_nothing_is_named_published_or_replicated(compose: dict[str, Any]) -> None:
    """Coolify names containers itself, and a published port would bypass its proxy."""
    for name, part in compose["services"].items():
        assert part.keys().isdisjoint({"container_name", "ports", "deploy", "scale"}), name


def test_the_agent_may_drain_before_it_is_killed(
    compose: dict[str, Any], settings: dict[str, Any]
) -> None:
    """Otherwise a deployment cuts off callers in mid-sentence."""
    drain = settings["agent"].model_fields["drain_timeout"].default
    assert _seconds(compose["services"]["agent"]["stop_grace_period"]) > drain
    assert all("stop_grace_period" in part for part in compose["services"].values())


def test_redis_keeps_what_it_was_told(compose: dict[str, Any]) -> None:
    """Each of these options missing is a way to lose a lead."""
    command = compose["services"]["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "always"
    assert options["--maxmemory-policy"] == "noeviction"
    assert compose["services"]["redis"]["volumes"] == ["redis:/data"]


def test_the_spool_lies_on_a_volume_that_outlives_the_container(compose: dict[str, Any]) -> None:
    """Leads that were said while Redis was away must survive the next deployment."""
    agent = compose["services"]["agent"]
    assert agent["volumes"] == [f"spool:{docs.PINNED['SPOOL_DIR']}"]
    assert set(compose["volumes"]) == {"redis", "spool"}


def test_plain_docker_publishes_the_gateway_on_loopback_alone() -> None:
    """Trying it out on a laptop in a café must not open it to the café."""
    override = _load("docker-compose.override.yml")
    assert override == {"services": {"gateway": {"ports": ["127.0.0.1:${WEB_PORT:-3000}:3000"]}}}


def _seconds(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(s|m)", text).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "m": 60}[unit]


@pytest.fixture(scope="module")
def stages() -> dict[str, list[str]]:
    """Instructions of each stage of the Dockerfile, continuation lines joined."""
    text = (docs.ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if start := re.fullmatch(r"FROM (\S+) AS (\S+)", line):
            found[start[2]] = [f"FROM {start[1]}"]
        elif line and not line.startswith("#") and found:
            found[list(found)[-1]].append(line)
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_one_service_and_runs_as_nobody(
    service: str, stages: dict[str, list[str]]
) -> None:
    """A hole in one service must not be a door to the rest, nor to the host."""
    lines = stages[service]
    assert lines[0] == "FROM service"
    copied = [line.split()[-1] for line in lines if line.startswith("COPY")]
    allowed = {"/opt/venv", "shared", f"services/{service}"}
    if service == "leads":
        allowed.add("/usr/local/bin/")  # its command line
    assert {path for path in copied if "/static/" not in path} == allowed
    user, command = lines.index("USER bolchaal"), f'CMD ["python", "-m", "services.{service}"]'
    assert command in lines[user:]
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    packages = stages[f"{service}-packages"]
    assert f"--require-hashes -r {service}.txt" in packages[-1]


def test_images_set_what_compose_pins(stages: dict[str, list[str]]) -> None:
    """An application of its own (without compose) must listen and spool in the same places."""
    variables = " ".join(
        line for name in (*SERVICES, "service") for line in stages[name] if line.startswith("ENV")
    )
    for name, value in docs.PINNED.items():
        assert f"{name}={value}" in variables


def test_only_named_things_enter_a_build() -> None:
    """A .env with keys, or .data with leads, must not be copied into an image by accident."""
    lines = (docs.ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {line[1:] for line in rules if line.startswith("!")}
    assert let_in == {
        *("package.json", "package-lock.json", ".npmrc", "requirements", "shared", "services"),
        *("deploy/healthcheck.py", "bin/bolchaal"),
    }
    assert "services/sandbox" in rules
    assert all(Path(docs.ROOT, path).exists() for path in let_in)
