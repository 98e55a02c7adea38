"""python -m services.sandbox.caller: a simulated caller calls the running system and speaks.

Exit status: 0 when N8N acknowledged a lead that holds what the caller said, 1 when it did not,
2 when nothing was tried because the input is wrong or nothing runs.
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from loguru import logger

from services.sandbox.caller.failures import BadInput, CallFailed
from services.sandbox.caller.gateway_client import GatewayClient
from services.sandbox.caller.live import LiveCall
from services.sandbox.caller.progress import as_in_lead, differences
from services.sandbox.caller.report import CallReport, Terminal
from services.sandbox.caller.script import Asked, Script, from_scenario, invented
from services.sandbox.caller.settings import CallerSettings
from services.sandbox.caller.voice import SandboxVoice
from services.sandbox.scenarios import languages, names, scenario
from shared.locales.model import UNKNOWN
from shared.locales.registry import DEFAULT_LANGUAGE
from shared.runtime.settings import load

DEFAULT_SCENARIO = "real-estate"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Empty values count as absent: make passes them."""
    parser = argparse.ArgumentParser(
        prog="python -m services.sandbox.caller",
        description="A simulated caller calls the running system and speaks.",
    )
    parser.add_argument(
        "--language",
        default=DEFAULT_LANGUAGE,
        help=f"language of the call, {DEFAULT_LANGUAGE} by default",
    )
    parser.add_argument("--scenario", default="", help=f"one of: {', '.join(names())}")
    parser.add_argument("--agent", default="", help="agent to call, default by default")
    parser.add_argument("--json", default="", help="file for the call's transcript and figures")
    return parser.parse_args(arguments)


def script_maker(language: str, scenario_name: str, agent_id: str) -> "ScriptMaker":
    """Checks the input before anything is tried. Raises BadInput."""
    spoken = DEFAULT_LANGUAGE if language == UNKNOWN else language
    if spoken not in languages():
        known = ", ".join((*languages(), UNKNOWN))
        raise BadInput(f"LANGUAGE: found {language!r}, expected one of {known}")
    if not scenario_name and agent_id == "default":
        scenario_name = DEFAULT_SCENARIO
    if scenario_name and scenario_name not in names():
        raise BadInput(f"SCENARIO: found {scenario_name!r}, expected one of {', '.join(names())}")
    return ScriptMaker(spoken, scenario_name)


class ScriptMaker:
    """Makes the caller's script when the agent's questions are known."""

    def __init__(self, language: str, scenario_name: str) -> None:
        self._language = language
        self._scenario = scenario_name

    def __call__(self, asked: tuple[Asked, ...], call_id: str) -> Script:
        if self._scenario:
            return from_scenario(scenario(self._scenario, self._language), asked)
        return invented(asked, self._language, seed=call_id)


async def call(arguments: argparse.Namespace, settings: CallerSettings) -> int:
    """Makes the call; answers the exit status."""
    agent_id = arguments.agent or "default"
    language = arguments.language or DEFAULT_LANGUAGE
    maker = script_maker(language, arguments.scenario, agent_id)
    target = Path(arguments.json) if arguments.json else None
    if target and not target.absolute().parent.is_dir():
        raise BadInput(f"JSON: no folder {target.absolute().parent}")
    terminal = Terminal()
    key = settings.gateway_api_key
    gateway = GatewayClient(settings.gateway, api_key=key.get_secret_value() if key else None)
    voice = SandboxVoice(settings.speech)
    live = LiveCall(gateway, voice, maker, terminal)
    failure: CallFailed | None = None
    try:
        await live.run(agent_id, language)
    except CallFailed as error:
        failure = error
    finally:
        await gateway.aclose()
        await voice.aclose()
    wrong = differences(live.report.expected, live.progress)
    live.report.expected = as_in_lead(live.report.expected, live.progress)
    _write(live.report, target)
    if live.report.call_id:
        terminal.summary(live.report, wrong)
    if failure:
        raise failure
    if not live.progress.acknowledged:
        raise CallFailed(f"N8N did not acknowledge the lead: {live.progress.delivery.get('state')}")
    if wrong:
        raise CallFailed("the lead is not what the caller said")
    return 0


def _write(report: CallReport, target: Path | None) -> None:
    if target is None or not report.call_id:
        return
    try:
        report.write(target)
    except OSError as error:
        raise BadInput(f"JSON: cannot write {target}: {error.strerror}") from None


def main() -> None:
    logger.remove()
    logger.add(sys.stderr, level="WARNING", format="{message}")
    # When a room closes, the SDK warns of each channel that closes with it.
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    arguments = parse(sys.argv[1:])
    settings = load(CallerSettings)
    try:
        sys.exit(asyncio.run(call(arguments, settings)))
    except CallFailed as failure:
        sys.stderr.write(f"{failure}\n")
        sys.exit(failure.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
