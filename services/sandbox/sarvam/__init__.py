"""A stand-in for Sarvam's speech to text and text to speech, on their wire protocol."""

from services.sandbox.sarvam.stand_in import SarvamStandIn

__all__ = ["SarvamStandIn"]
