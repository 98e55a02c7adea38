"""`make call` with wrong input: one line on stderr, exit 2, and nothing tried."""

import sys
from pathlib import Path

import pytest

from services.sandbox.caller import __main__ as command


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["caller", *arguments])
    monkeypatch.setenv("GATEWAY_URL", "http://127.0.0.1:1")
    with pytest.raises(SystemExit) as caught:
        command.main()
    return caught.value.code


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--language", "fr-FR"), "LANGUAGE: found 'fr-FR', expected one of "),
        (("--scenario", "spaceship"), "SCENARIO: found 'spaceship', expected one of real-estate"),
        (("--json", "/nowhere/at/all.json"), "JSON: no folder /nowhere/at"),
        ((), "nothing answers at http://127.0.0.1:1: start it with `make run`"),
        (("--language", "", "--scenario", "", "--agent", "", "--json", ""), "nothing answers"),
        (("--language", "unknown", "--agent", "clinic"), "nothing answers"),
    ],
)
def test_wrong_input_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    line: str,
) -> None:
    """A typing mistake would be a traceback, or a call that nobody wanted."""
    assert run(monkeypatch, *arguments) == 2
    said = capsys.readouterr()
    [error] = said.err.splitlines()
    assert error.startswith(line)
    assert said.out == ""


def test_nothing_is_written_when_nothing_happened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A script would take an old or empty file for the call's."""
    target = tmp_path / "call.json"
    assert run(monkeypatch, "--json", str(target)) == 2
    assert not target.exists()
