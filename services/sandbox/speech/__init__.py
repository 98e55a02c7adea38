"""Speech without a cloud: callers that can be understood, and a recogniser for them alone.

espeak-ng speaks all our languages. It is under GPL-3.0, optional, and runs in a process of its
own that nothing of the product imports; the stand-ins put it behind Sarvam's wire protocol. No
engine of this size understands Indian languages, so what callers of the sandbox say carries an
audible mark, and the hearer gives the text that was registered for it once it has heard it whole.
"""

from services.sandbox.speech.espeak import Espeak, Speech, SpeechUnavailable
from services.sandbox.speech.hearer import Hearer
from services.sandbox.speech.registry import Phrase, Registry
from services.sandbox.speech.speaker import Said, Speaker

__all__ = [
    "Espeak",
    "Hearer",
    "Phrase",
    "Registry",
    "Said",
    "Speaker",
    "Speech",
    "SpeechUnavailable",
]
