"""What the call's log holds of a conversation."""

from typing import Any, cast

import pytest
from livekit.agents import AgentStateChangedEvent, llm

from services.agent.conversation.transcript_writer import TranscriptWriter, latency
from shared.calls.log import Latency, LogEntry


def test_latencies_are_milliseconds_and_unknown_ones_are_left_out() -> None:
    """The page shows how long the caller waited, not a row of zeros."""
    measured: llm.MetricsReport = {"e2e_latency": 0.7484, "llm_node_ttft": 0.2}
    assert latency(measured) == Latency(e2e_ms=748, llm_ttft_ms=200)
    assert latency({}) is None


@pytest.mark.parametrize("state", ["initializing", "idle"])
def test_states_that_mean_nothing_to_people_are_left_out(state: Any) -> None:
    """The log holds what a reader can use."""
    written: list[LogEntry] = []
    writer = TranscriptWriter(written.append, cast("Any", None), lambda _: False)
    writer.on_agent_state(AgentStateChangedEvent(old_state="listening", new_state=state))
    assert written == []
