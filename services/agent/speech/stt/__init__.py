"""Speech to text on Sarvam's realtime socket, hardened: no close of the socket loses speech."""

from services.agent.speech.stt.listener import SttListener as SttListener
from services.agent.speech.stt.model import RealtimeSTT as RealtimeSTT
