"""deploy/docs.py: what operators read and what containers get follows from the settings."""

import shutil
from enum import Enum
from pathlib import Path

import pytest
from pydantic import Field

from deploy import docs
from shared.runtime.settings import Settings

FILES = (".env.example", "README.md", "docker-compose.yml")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the derived files as they are in the repository."""
    for name in FILES:
        shutil.copy(docs.ROOT / name, tmp_path / name)
    shutil.copytree(docs.ROOT / "docs" / "schemas", tmp_path / "docs" / "schemas")
    return tmp_path


def test_check_names_each_stale_file_and_changes_nothing(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise a new setting reaches no operator, and nobody is told."""
    docs.main([], copy)
    capsys.readouterr()
    assert docs.main(["--check"], copy) == 0
    stale = {}
    for name in FILES:
        text = (copy / name).read_text("utf-8").replace("LIVEKIT_API_KEY", "LIVEKIT_KEY")
        (copy / name).write_text(text, "utf-8")
        stale[name] = text

    assert docs.main(["--check"], copy) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"{name}: out of date, run make docs" for name in FILES]
    assert {name: (copy / name).read_text("utf-8") for name in FILES} == stale

    assert docs.main([], copy) == 0
    assert docs.main(["--check"], copy) == 0


def test_what_people_wrote_around_the_tables_stays(copy: Path) -> None:
    """A README that loses its text at every `make docs` is not written twice."""
    readme = copy / "README.md"
    before = readme.read_text("utf-8")
    head, tail = before.split("<!-- settings:")[0], before.split("/settings -->")[1]
    readme.write_text(before.replace("| `LIVEKIT_URL` |", "| `OLD` |"), "utf-8")
    docs.main([], copy)
    after = readme.read_text("utf-8")
    assert after.startswith(head)
    assert after.endswith(tail)
    assert "`OLD`" not in after


def test_lost_markers_are_named(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody who removes a marker by accident is told which, instead of losing the table."""
    (copy / "README.md").write_text("# Nothing here\n", "utf-8")
    assert docs.main([], copy) == 1
    assert "<!-- settings" in capsys.readouterr().err
    assert (copy / "README.md").read_text("utf-8") == "# Nothing here\n"


class _First(Settings):
    limit: int = Field(3, description="calls at a time")


class _Other(Settings):
    limit: int = Field(4, description="calls at a time")


class _Silent(Settings):
    limit: int = 3


def _given(monkeypatch: pytest.MonkeyPatch, **classes: type[Settings]) -> None:
    monkeypatch.setattr(docs, "classes", lambda: iter(classes.items()))


def test_a_setting_that_services_share_is_listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows for one variable would read as two variables."""
    _given(monkeypatch, gateway=_First, agent=_First)
    (entry,) = docs.collect()
    assert (entry.name, entry.default, entry.users) == ("LIMIT", "3", ("gateway", "agent"))


def test_one_variable_with_two_defaults_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator could not know what an unset variable means."""
    _given(monkeypatch, gateway=_First, agent=_Other)
    with pytest.raises(docs.Fault, match="LIMIT has one default in gateway, another in agent"):
        docs.collect()


def test_a_setting_without_a_description_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare name in .env.example helps nobody."""
    _given(monkeypatch, gateway=_Silent)
    with pytest.raises(docs.Fault, match="LIMIT in _Silent has no description"):
        docs.collect()


class _Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", None),
        ((), None),
        (True, "true"),
        (0, "0"),
        (3.0, "3"),
        (0.25, "0.25"),
        (_Colour.RED, "red"),
        (Path("data/spool"), "data/spool"),
    ],
)
def test_defaults_are_shown_as_one_would_write_them(value: object, text: str | None) -> None:
    """A default that is copied out of .env.example must be accepted as it stands."""
    assert docs.written(value) == text


def test_no_setting_is_called_host_or_port() -> None:
    """Coolify sets HOST and PORT in every container: a service would listen in the wrong place."""
    assert {entry.name for entry in docs.collect()}.isdisjoint({"HOST", "PORT"})


def test_the_example_is_a_valid_environment_file() -> None:
    """Copied to .env as it stands, it must change nothing: all lines are empty or comments."""
    lines = (docs.ROOT / ".env.example").read_text("utf-8").splitlines()
    assert lines
    for line in lines:
        assert not line or line.startswith("#") or line.endswith("="), line
