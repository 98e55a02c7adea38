"""Languages as Sarvam spells them: Odia and auto-detection differ from socket to socket."""

from typing import Final

from shared.locales.model import UNKNOWN
from shared.locales.registry import LOCALES

# Recognised by Sarvam, not spoken by it.
_OTHERS: Final = (
    *("as-IN", "brx-IN", "doi-IN", "kok-IN", "ks-IN", "mai-IN"),
    *("mni-IN", "ne-IN", "sa-IN", "sat-IN", "sd-IN", "ur-IN"),
)

AUTO: Final = "auto"
REALTIME: Final = frozenset({*(each.sarvam.realtime for each in LOCALES.values()), *_OTHERS, AUTO})
"""What the realtime socket takes."""

SYNTHESIS: Final = frozenset(each.sarvam.others for each in LOCALES.values())
"""What text to speech takes."""

LEGACY: Final = frozenset({*SYNTHESIS, *_OTHERS, UNKNOWN})
"""What the legacy socket and the REST endpoint take."""

_OURS: Final = {
    spelled: code
    for code, each in LOCALES.items()
    for spelled in (each.sarvam.realtime, each.sarvam.others)
}


def ours(spelled: str) -> str:
    """The language's code as the rest of Bolchaal has it."""
    return _OURS.get(spelled, spelled)


def legacy(code: str) -> str:
    """Our code as the legacy socket and the REST endpoint spell it."""
    return LOCALES[code].sarvam.others if code in LOCALES else code


def is_automatic(spelled: str) -> bool:
    return spelled in (AUTO, UNKNOWN)
