"""What callers and the scripted model say in each language."""

import pytest

from services.sandbox.scenarios import languages, names, phrases, scenario, spoken_language
from shared.locales.registry import LOCALES


@pytest.mark.parametrize("code", LOCALES)
def test_every_scenario_exists_in_every_language(code: str) -> None:
    """`make call LANGUAGE=...` would refuse a language that the page offers."""
    assert code in languages()
    for name in names():
        assert scenario(name, code).expected().keys() == scenario(name, "en-IN").expected().keys()


@pytest.mark.parametrize("code", LOCALES)
def test_what_is_said_tells_its_language(code: str) -> None:
    """Auto-detect would answer a caller in another language."""
    for answer in scenario("real-estate", code).answers.values():
        # One sentence may have no word that only Marathi has.
        assert spoken_language(answer.say) in (code, "hi-IN" if code == "mr-IN" else code)
    assert spoken_language(phrases(code).agent.greet) == code


def test_languages_of_one_script_are_told_apart_by_their_words() -> None:
    assert spoken_language("मला घर हवे आहे") == "mr-IN"
    assert spoken_language("मुझे घर चाहिए") == "hi-IN"
    assert spoken_language("98765 43210") is None


def test_a_language_or_a_scenario_that_is_not_there_is_named() -> None:
    for name, code in (("real-estate", "xx-IN"), ("boats", "en-IN")):
        with pytest.raises(KeyError, match=f"{name} in {code}"):
            scenario(name, code)
    with pytest.raises(KeyError, match="unknown"):
        phrases("unknown")
