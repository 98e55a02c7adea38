"""How long the server waits for what: the figures of the real server, shortened by tests."""

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Timings:
    """All in seconds, measured on livekit-server 1.13.5; `timeouts` of rooms are asked for in whole
    seconds by clients, and are multiplied by `room_second`.
    """

    room_second: float = 1.0
    """Length of one second of empty_timeout and departure_timeout."""

    room_check: float = 1.0
    """Between two looks at whether a room has been empty long enough."""

    update_tick: float = 3.0
    """Joins and leaves of those who publish nothing wait for this tick of the room."""

    count_tick: float = 5.0
    """Room counts and connection quality are taken at this step."""

    speaker_tick: float = 0.4
    """Active speakers are judged at this step."""

    silence_resume: float = 15.0
    """Media silent for this long: the client is told to resume."""

    silence_remove: float = 20.0
    """Media silent for this long: the participant is dropped."""

    silence_lost: float = 5.0
    """Media silent for this long at a count_tick: connection quality LOST."""

    silence_check: float = 0.5
    """Between two looks at when a client was last heard."""

    offer_delay: float = 0.2
    """From a dispatch to the offer of its job."""

    job_answer: float = 3.0
    """A worker that has not answered an offer by then has lost the job."""

    dispatch_removal: float = 3.0
    """From DeleteDispatch to the removal of its agent."""

    register: float = 10.0
    """A worker socket that has not registered by then is closed."""

    unpublish_delay: float = 0.2
    """From the offer that gives a section up to everybody being told."""

    renegotiate_delay: float = 0.01
    """From a change in subscriptions to the request for an offer; changes within it share one."""

    settle_delay: float = 0.1
    """From a late joiner's media being up to one more request for an offer."""

    unknown_room: float = 3.0
    """SendData and ListDispatch for a room that is not there answer 503 after this."""

    def faster(self, factor: float) -> "Timings":
        """The same proportions, `factor` times as fast."""
        return replace(self, **{f.name: getattr(self, f.name) / factor for f in fields(self)})
