"""Languages as Sarvam spells them: Odia and auto-detection differ from socket to socket."""

from typing import Final

from shared.locales.registry import LANGUAGES, UNKNOWN

# Recognised by Sarvam, not spoken by it.
_OTHERS: Final = (
    *("as-IN", "brx-IN", "doi-IN", "kok-IN", "ks-IN", "mai-IN"),
    *("mni-IN", "ne-IN", "sa-IN", "sat-IN", "sd-IN", "ur-IN"),
)
_OURS: Final = tuple(code for code in LANGUAGES if code != UNKNOWN)

AUTO: Final = "auto"
REALTIME: Final = frozenset({*_OURS, *_OTHERS, AUTO})
"""What the realtime socket takes: Odia is or-IN there."""

LEGACY: Final = frozenset({*_OURS, *_OTHERS, UNKNOWN, "od-IN"} - {"or-IN"})
"""What the legacy socket and the REST endpoint take: Odia is od-IN there."""

SYNTHESIS: Final = frozenset({*_OURS, "od-IN"} - {"or-IN"})
"""What text to speech takes."""


def ours(spelled: str) -> str:
    """The language's code as the rest of Bolchaal has it."""
    return "or-IN" if spelled == "od-IN" else spelled


def legacy(code: str) -> str:
    return "od-IN" if code == "or-IN" else code


def is_automatic(spelled: str) -> bool:
    return spelled in (AUTO, UNKNOWN)
