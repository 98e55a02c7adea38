"""An audible mark mixed under speech, from which a 20-bit id can be heard again.

One of 16 tones between 2500 and 3250 Hz sounds every 20 ms, in a band that the speech gives up; 16
tones are one codeword of a Reed-Solomon code and repeat from the phrase's first sample to its last.
It survives Opus, packet loss, telephone lines and moderate noise. numpy only.
"""

from services.sandbox.speech.tag.code import ID_BITS, codeword
from services.sandbox.speech.tag.detector import Detector, Hit
from services.sandbox.speech.tag.embed import SHORTEST_S, embed

__all__ = ["ID_BITS", "SHORTEST_S", "Detector", "Hit", "codeword", "embed"]
