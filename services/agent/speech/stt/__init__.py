"""Speech to text on Sarvam's realtime socket, hardened: no close of the socket loses speech."""

from services.agent.speech.stt.model import Listener, RealtimeSTT, Tuning

__all__ = ["Listener", "RealtimeSTT", "Tuning"]
