"""What simulated callers and the scripted agent say in each language."""

from services.sandbox.scenarios.phrases import Answer, Phrases, languages, phrases, spoken_language
from services.sandbox.scenarios.scenario import Scenario, names, scenario

__all__ = [
    "Answer",
    "Phrases",
    "Scenario",
    "languages",
    "names",
    "phrases",
    "scenario",
    "spoken_language",
]
