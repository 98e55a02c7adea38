"""The LiveKit worker: how many calls it takes, and how it says so.

The server gives no job to a worker at its `agents.target_load` (0.7) or above, and never dispatches
twice: so the load counts calls instead of processor time, stays below 0.7 until the worker is full,
and is 1 from then on. Jobs are refused by load alone, so that the server asks another worker.
"""

import math

from livekit.agents import AgentServer
from prometheus_client import Gauge

from services.agent import job
from services.agent.settings import AgentSettings

CALLS = Gauge("bolchaal_agent_calls", "Calls that this worker holds now")
MOST_CALLS = Gauge("bolchaal_agent_calls_most", "Calls that this worker takes at a time")

TARGET_LOAD = 0.7
FOREVER = 1_000_000_000  # tries to reach LiveKit: at 10 s each, longer than anybody waits


def load_of(calls: int, most: int) -> float:
    """The load that a number of calls makes: below TARGET_LOAD until `most`, then 1."""
    return 1.0 if calls >= most else TARGET_LOAD * calls / most


class CallWorker(AgentServer):
    """An AgentServer that counts calls, those included that it has accepted and not yet begun."""

    def __init__(self, settings: AgentSettings) -> None:
        super().__init__(
            ws_url=settings.livekit_url,
            api_key=settings.livekit_api_key,
            api_secret=settings.livekit_api_secret.get_secret_value(),
            load_fnc=self.current_load,
            load_threshold=TARGET_LOAD,
            num_idle_processes=1,
            # Three seconds on a quiet machine; one that is given up is started all over again.
            initialize_process_timeout=60.0,
            max_retry=FOREVER,
            drain_timeout=settings.drain_timeout,
            # The framework's own health says yes before the worker has registered: see main.
            host="127.0.0.1",
            port=0,
            setup_fnc=job.prewarm,
            preload_modules=["services.agent.job"],
        )
        self._most = settings.max_calls
        CALLS.set_function(self.calls)
        MOST_CALLS.set(self._most)
        self.rtc_session(
            job.entrypoint, agent_name=settings.agent_name, on_session_end=job.session_end
        )

    @property
    def connected(self) -> bool:
        """Whether the socket to LiveKit stands and the worker is registered."""
        return self.id != "unregistered" and not self._connecting

    def calls(self) -> int:
        """Calls that run now; none before the worker runs."""
        return 0 if self._closed else len(self.active_jobs)

    def current_load(self) -> float:
        return load_of(self.calls(), self._most)

    def _get_effective_load(self) -> float:
        # The framework estimates what an accepted job will cost from what the running ones do, and
        # with one idle process takes the first one for a full house.
        return load_of(self.calls() + self._reserved_slots, self._most)

    def _is_available(self) -> bool:
        return not self.draining and not math.isclose(self._get_effective_load(), 1.0)
