"""The language that is spoken now. With auto-detect it follows the caller."""

from collections.abc import Callable

from shared.calls import Call
from shared.locales.model import UNKNOWN
from shared.locales.registry import LANGUAGES, by_script, is_language
from shared.profiles.model import Localised


class SpokenLanguage:
    """`code` is UNKNOWN until the caller was heard; `on_change` is told of every new one."""

    def __init__(self, call: Call, default_language: str, on_change: Callable[[str], None]) -> None:
        self._chosen = call.language
        self._default = default_language
        self._on_change = on_change
        self.code = call.language

    def heard(self, text: str, language: str) -> None:
        """The caller said `text`. One word alone changes nothing once a language is known."""
        if self._chosen != UNKNOWN or not is_language(language) or language == UNKNOWN:
            return
        if language == self.code or (self.code != UNKNOWN and len(text.split()) < 2):
            return
        self.code = language
        self._on_change(language)

    def of(self, text: str) -> str | None:
        """The language of a turn in the transcript."""
        return self.code if self.code != UNKNOWN else by_script(text)

    def fallback(self, localised: Localised) -> str:
        """What is said when no model answers: the profile's words while its language is spoken."""
        if localised.fallback_message and self.code == self._chosen:
            return localised.fallback_message
        return LANGUAGES[self._default if self.code == UNKNOWN else self.code].fallback
