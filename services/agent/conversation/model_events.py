"""What the models of a call tell of themselves, as the status of their providers."""

from collections.abc import Callable

from livekit.agents import ErrorEvent

from services.agent.llm.failover import ModelFailure
from services.agent.provider_status.status import ProviderStatus
from services.agent.speech.tts import refusal


class ModelEvents:
    """Listens to the language models, to speech-to-text and to text-to-speech.

    `utterances_lost` is called with the number of utterances that got no transcript,
    `drops_transcript` with every transcript before it becomes a turn.
    """

    def __init__(
        self,
        status: ProviderStatus,
        *,
        utterances_lost: Callable[[int], None],
        drops_transcript: Callable[[str], bool],
    ) -> None:
        self._status = status
        self.utterances_lost = utterances_lost
        self.drops_transcript = drops_transcript

    def model_failed(self, failure: ModelFailure) -> None:
        model = failure.model
        if failure.refused:
            reason = f"the language model's provider refuses {failure.refused}: {model}"
            self._status.refused("llm", f"{reason} ({failure.reason})", model=model)
        else:
            reason = f"{model} does not answer: {failure.reason}"
            self._status.trouble("llm", reason, model=model)

    def model_answered(self, model: str) -> None:
        self._status.well("llm", model=model)

    def stt_ready(self) -> None:
        self._status.well("sarvam_stt")

    def stt_refused(self, reason: str) -> None:
        self._status.refused("sarvam_stt", f"Sarvam refuses speech-to-text: {reason}")

    def stt_unreachable(self, reason: str) -> None:
        self._status.trouble("sarvam_stt", f"Sarvam does not hear just now: {reason}")

    def spoke(self) -> None:
        """Text-to-speech gave audio."""
        self._status.well("sarvam_tts")

    def on_error(self, event: ErrorEvent) -> None:
        """Speech that cannot be made. The other models' failures are told where they are asked."""
        if getattr(event.error, "type", "") != "tts_error":
            return
        status = refusal(getattr(event.error, "error", None))
        if status is not None:
            reason = f"Sarvam refuses to speak (status {status}): the key, the voice or the model"
            self._status.refused("sarvam_tts", reason)
        elif not getattr(event.error, "recoverable", False):
            self._status.trouble("sarvam_tts", "Sarvam does not speak just now")
