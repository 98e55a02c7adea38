"""Scenarios: what a simulated caller says to each question, and what must stand in the lead.

A scenario is a table [sandbox.scenarios.NAME] in each language's file.
"""

from functools import cache

from pydantic import BaseModel, ConfigDict

from services.sandbox.scenarios.phrases import Answer, languages, phrases


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
    return tuple(sorted({name for code in languages() for name in phrases(code).scenarios}))


def scenario(name: str, language: str) -> Scenario:
    """Raises KeyError when there is no such scenario in that language."""
    answers = phrases(language).scenarios.get(name) if language in languages() else None
    if answers is None:
        raise KeyError(f"{name} in {language}")
    return Scenario(name=name, language=language, answers=answers)
