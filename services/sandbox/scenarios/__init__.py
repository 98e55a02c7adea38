"""What simulated callers and the scripted agent say, in eleven languages."""

from services.sandbox.scenarios.phrases import Phrases, languages, phrases, spoken_language
from services.sandbox.scenarios.scenario import Answer, Scenario, names, scenario

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
