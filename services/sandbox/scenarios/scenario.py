"""Scenarios: what a simulated caller says to each question, and what must stand in the lead.

One folder a scenario, one TOML file a language, one table a field: `say` is what the caller says,
`value` what N8N must get.
"""

import tomllib
import unicodedata
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).parent


class Answer(BaseModel):
    """`say` in the language's own script; `value` exactly as it stands in the lead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    say: str
    value: str


class Scenario(BaseModel):
    """The caller's side of a call, by field key, in the order of the profile's questions."""

    model_config = ConfigDict(frozen=True)

    name: str
    language: str
    answers: dict[str, Answer]

    def expected(self) -> dict[str, str]:
        """The lead that N8N must get, flat: name, phone, then the other fields."""
        values = {key: answer.value for key, answer in self.answers.items()}
        first = {key: values.pop(key) for key in ("name", "phone") if key in values}
        return first | values


@cache
def names() -> tuple[str, ...]:
    """Names of all scenarios, as they are given on the command line (real-estate)."""
    found = {path.parent.name for path in FOLDER.glob("*/*.toml")} - {"phrases"}
    return tuple(sorted(name.replace("_", "-") for name in found))


@cache
def scenario(name: str, language: str) -> Scenario:
    """Raises KeyError when there is no such scenario in that language."""
    path = FOLDER / name.replace("-", "_") / f"{language}.toml"
    if name not in names() or not path.is_file():
        raise KeyError(f"{name} in {language}")
    text = unicodedata.normalize("NFC", path.read_text(encoding="utf-8"))
    answers = {key: Answer.model_validate(value) for key, value in tomllib.loads(text).items()}
    return Scenario(name=name, language=language, answers=answers)
