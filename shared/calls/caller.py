"""Who in a room is the caller: for the agent that waits for one, and for the gateway."""

STANDARD = 0  # LiveKit's kinds of participants, the same in its client and its server API
SIP = 3


def is_caller(identity: str, kind: int, caller_identity: str | None) -> bool:
    """Whether a participant is the one whom the call is for, and no recorder, supervisor or agent.

    `caller_identity` is stored with the call. None: the call was opened before it was stored, and
    whoever comes by browser or telephone counts.
    """
    if caller_identity is not None:
        return identity == caller_identity
    return kind in (STANDARD, SIP)
