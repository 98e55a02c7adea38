"""Languages as the realtime socket spells them."""

import pytest

from services.agent.speech.stt.protocol import language_of, spelling
from shared.locales.registry import LOCALES


@pytest.mark.parametrize("code", LOCALES)
def test_every_language_is_asked_for_and_recognised(code: str) -> None:
    """Sarvam would refuse the socket, or the agent answer in another language."""
    own = LOCALES[code].sarvam
    assert spelling(code) == own.realtime
    assert [language_of(each, "zz") for each in (own.realtime, own.others)] == [code, code]


def test_odia_keeps_its_code_on_this_socket_whatever_the_answer_spells() -> None:
    assert spelling("or-IN") == "or-IN"
    assert language_of("od-IN", "hi-IN") == "or-IN"


@pytest.mark.parametrize("spelled", [None, 7, "", "unknown", "auto", "fr-FR", "sat-IN"])
def test_a_language_that_is_none_of_ours_leaves_the_one_before(spelled: object) -> None:
    """A cough heard as Santali would end the Hindi that the call is in."""
    assert spelling("unknown") == "auto"
    assert language_of(spelled, "hi-IN") == "hi-IN"
