"""Settings: a wrong one gives one line that names it, and never a secret."""

from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from shared.runtime.settings import (
    HttpUrl,
    LanguageSettings,
    LiveKitSettings,
    N8NSettings,
    RedisSettings,
    Settings,
    load,
)


class Example(RedisSettings):
    port_like: int = Field(3000, ge=1, le=65535, description="a number")
    some_url: HttpUrl | None = Field(None, description="an address")
    some_secret: SecretStr | None = Field(None, min_length=10, description="a secret")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))
    monkeypatch.setenv("REDIS_URL", "redis://localhost:6379/0")


def refused(capsys: pytest.CaptureFixture[str], cls: type[Settings] = Example) -> str:
    with pytest.raises(SystemExit) as caught:
        load(cls)
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_an_empty_value_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Coolify and compose pass empty strings for everything that is not set."""
    monkeypatch.setenv("PORT_LIKE", "")
    monkeypatch.setenv("SOME_URL", "")
    assert (load(Example).port_like, load(Example).some_url) == (3000, None)


def test_a_wrong_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT_LIKE", "abc")
    line = refused(capsys)
    assert line.startswith("PORT_LIKE: found 'abc', expected a valid integer")
    assert line.count("\n") == 1


def test_a_missing_one_says_what_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("REDIS_URL")
    assert refused(capsys).startswith("REDIS_URL: not set, expected: Redis 7.0 or newer")


def test_secrets_are_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOME_SECRET", "hunter2")
    monkeypatch.setenv("REDIS_URL", "http://user:pa55word@host:6379")
    err = refused(capsys)
    assert "SOME_SECRET: found a value that is not shown" in err
    assert "hunter2" not in err
    assert "pa55word" not in err
    assert "REDIS_URL: found 'http://***@host:6379', expected an address that begins with" in err


def test_each_fault_has_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("REDIS_URL")
    assert refused(capsys, LiveKitSettings).count("\n") == 3


@pytest.mark.parametrize(
    "url",
    [
        "redis://:pa55word@[::1/0",
        "redis://:pa55word@host:port/0",
        "redis://:pa55word@host:99999/0",
        "redis://:pa55/word@host:6379/0",
        "redis://:pa55word@/0",
        "redis://:pa55word@host:6379/calls",
    ],
)
def test_a_broken_address_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    """Such an address ended in a traceback that showed the password to whoever reads the log."""
    monkeypatch.setenv("REDIS_URL", url)
    err = refused(capsys)
    assert err.startswith("REDIS_URL: found ")
    assert err.count("\n") == 1
    assert "pa55" not in err


def test_a_file_that_is_not_text(capsys: pytest.CaptureFixture[str]) -> None:
    """An editor that saves UTF-16 must not leave the operator with a traceback."""
    Path(".env").write_bytes(b"\xff\xfeR\x00")
    assert (
        refused(capsys) == ".env: found bytes that are not UTF-8, expected a text file in UTF-8\n"
    )


def test_an_unknown_default_language(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Found at the start, not by the first caller who names no language."""
    monkeypatch.setenv("DEFAULT_LANGUAGE", "xx-YY")
    line = refused(capsys, LanguageSettings)
    assert line.startswith("DEFAULT_LANGUAGE: found 'xx-YY', expected one of hi-IN")


@pytest.mark.parametrize(
    ("given", "missing"),
    [("N8N_AUTH_HEADER", "N8N_AUTH_VALUE"), ("N8N_AUTH_VALUE", "N8N_AUTH_HEADER")],
)
def test_half_of_a_header_is_refused(
    given: str, missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Leads would go out without the token, and wait for somebody to see N8N's 403."""
    monkeypatch.setenv(given, "x-token")
    assert refused(capsys, N8NSettings).startswith(f"{missing}: not set")
