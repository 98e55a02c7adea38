"""Who in a room is the caller."""

STANDARD = 0  # LiveKit's kinds of participants, the same in its client and its server API
SIP = 3


def is_caller(identity: str, kind: int, caller_identity: str | None) -> bool:
    """Whether a participant is the one whom the call is for.

    That is written down with the call. A call that was opened before it was (None) takes whoever
    comes as people do: no agent, no recorder.
    """
    if caller_identity is not None:
        return identity == caller_identity
    return kind in (STANDARD, SIP)
