"""What both sides say, and how the agent does, as entries of the call's log."""

from collections.abc import Callable

from livekit.agents import AgentStateChangedEvent, ConversationItemAddedEvent, llm

from services.agent.conversation.spoken_language import SpokenLanguage
from shared.calls.log import AgentState, Latency, LogEntry, Turn


class TranscriptWriter:
    """`is_typed` tells whether a turn of the caller came as text."""

    def __init__(
        self,
        log: Callable[[LogEntry], None],
        language: SpokenLanguage,
        is_typed: Callable[[llm.ChatMessage], bool],
    ) -> None:
        self._log = log
        self._language = language
        self._is_typed = is_typed

    def on_agent_state(self, event: AgentStateChangedEvent) -> None:
        """States that mean nothing to people (`initializing`, `idle`) are left out."""
        match event.new_state:
            case "listening" | "thinking" | "speaking":
                self._log(AgentState(state=event.new_state))

    def on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, llm.ChatMessage) or not item.text_content:
            return
        if item.role not in ("user", "assistant"):
            return
        text = item.text_content.strip()
        by_caller = item.role == "user"
        self._log(
            Turn(
                who="caller" if by_caller else "agent",
                text=text,
                language=self._language.of(text),
                typed=by_caller and self._is_typed(item),
                interrupted=not by_caller and item.interrupted,
                latency=latency(item.metrics),
            )
        )


def latency(metrics: llm.MetricsReport) -> Latency | None:
    """What livekit-agents measured for one message, in milliseconds; None when nothing."""
    measured = {
        "transcription_ms": metrics.get("transcription_delay"),
        "end_of_turn_ms": metrics.get("end_of_turn_delay"),
        "llm_ttft_ms": metrics.get("llm_node_ttft"),
        "tts_ttfb_ms": metrics.get("tts_node_ttfb"),
        "e2e_ms": metrics.get("e2e_latency"),
    }
    known = {name: round(value * 1000) for name, value in measured.items() if value is not None}
    return Latency(**known) if known else None
