"""Every Redis key and channel, in one place. Each begins with `bolchaal:`.

Streams, retry sets and dead letters carry ids only. Personal data lives in `call:ID:log`, `call:ID`
and `lead:ID`, so that erasing a caller is deleting keys.
"""

PREFIX = "bolchaal:"

# Streams of the bus.
CALLS = f"{PREFIX}calls"
LEADS = f"{PREFIX}leads"
PROFILES_WANTED = f"{PREFIX}profiles.wanted"

# Pub/sub: "the profile with this id changed". A hint, never the only way to learn it.
PROFILE_NOTICES = f"{PREFIX}profiles"

# SET of the agent ids that config has found.
PROFILES_INDEX = f"{PREFIX}profiles.index"
# ZSET of call ids by creation (milliseconds since 1970), for the console's list.
CALLS_INDEX = f"{PREFIX}calls.index"
# ZSET of call ids by the moment (milliseconds) at which a watchdog must look at them.
CALLS_DUE = f"{PREFIX}calls.due"
# HASH "service/replica" -> what that replica last said about its health (JSON).
HEALTH = f"{PREFIX}health"
# HASH part (speech, language model) -> what it refuses, as the calls met it (JSON).
AGENT_FAULTS = f"{PREFIX}agent.faults"
# ZSET of lead ids by capture (milliseconds since 1970).
LEADS_INDEX = f"{PREFIX}leads.index"


def call(call_id: str) -> str:
    """HASH: state, attempt, lease and settings of one call."""
    return f"{PREFIX}call:{call_id}"


def call_log(call_id: str) -> str:
    """STREAM: everything that happened in one call, in order."""
    return f"{PREFIX}call:{call_id}:log"


def call_notice(call_id: str, code: str, attempt: int) -> str:
    """STRING with expiry: this attempt's notice with this code is in the call's log already."""
    return f"{PREFIX}call:{call_id}:said:{code}:{attempt}"


def caller_absent(call_id: str) -> str:
    """STRING with expiry: since when (milliseconds) the watchdog has seen no caller in the room."""
    return f"{PREFIX}call:{call_id}:absent"


def call_of_room(room: str) -> str:
    """STRING: the call that a LiveKit room belongs to."""
    return f"{PREFIX}room:{room}"


def profile(agent_id: str) -> str:
    """HASH: the current profile, the last good one and how fresh it is."""
    return f"{PREFIX}profile:{agent_id}"


def profile_fetch(agent_id: str) -> str:
    """STRING with expiry: the lock of the replica that is fetching this profile."""
    return f"{PREFIX}profile:{agent_id}:fetch"


def profile_invalidated(agent_id: str) -> str:
    """STRING with expiry: this profile was invalidated a moment ago."""
    return f"{PREFIX}profile:{agent_id}:invalidated"


def profile_invalidating(agent_id: str) -> str:
    """STRING with expiry: another invalidation waits until that moment is over."""
    return f"{PREFIX}profile:{agent_id}:invalidating"


def lead(lead_id: str) -> str:
    """HASH: the merged lead and its revision."""
    return f"{PREFIX}lead:{lead_id}"


# The bus. Each consumer group of a stream has its own retries and dead letters.


def retry_due(stream: str, group: str) -> str:
    """ZSET: entries that wait for another try, by the moment (milliseconds) they are due."""
    return f"{stream}:scheduled:{group}"


def retry_stream(stream: str, group: str) -> str:
    """STREAM: entries whose next try is due; only `group` reads it."""
    return f"{stream}:retry:{group}"


def dead_letters(stream: str, group: str) -> str:
    """STREAM: entries that `group` has given up."""
    return f"{stream}:dead:{group}"


def handled(group: str, event_id: str) -> str:
    """STRING with expiry: `group` has handled, or is handling, this event."""
    return f"{PREFIX}handled:{group}:{event_id}"


# Deliveries. DEST is a destination's name, SUBJECT the id of a lead or a call.


def delivery(destination: str, subject: str) -> str:
    """HASH: what is wanted of one subject at one destination, and how far it is."""
    return f"{PREFIX}delivery:{destination}:{subject}"


def delivery_attempts(destination: str, subject: str) -> str:
    """LIST of JSON: every attempt, with the beginning of the answer."""
    return f"{PREFIX}delivery:{destination}:{subject}:attempts"


def deliveries_due(destination: str) -> str:
    """ZSET "SUBJECT.REVISION" -> when it is due; in flight: when its attempt is given up."""
    return f"{PREFIX}deliveries:{destination}:due"


def deliveries_parked(destination: str) -> str:
    """ZSET "SUBJECT.REVISION" -> since when the destination refuses our credentials for it."""
    return f"{PREFIX}deliveries:{destination}:parked"


def deliveries_dead(destination: str) -> str:
    """ZSET "SUBJECT.REVISION" -> since when it is given up."""
    return f"{PREFIX}deliveries:{destination}:dead"


def deliveries_index(destination: str) -> str:
    """ZSET of subjects by the moment (milliseconds) their latest revision was wanted."""
    return f"{PREFIX}deliveries:{destination}:index"


def destination(name: str) -> str:
    """HASH: circuit breaker of a destination, and whether it has ever acknowledged."""
    return f"{PREFIX}destination:{name}"


def alerted(subject: str) -> str:
    """STRING with expiry: operators were told of this within the hour."""
    return f"{PREFIX}alerted:{subject}"


# The gateway's own.


def limit(kind: str, address: str) -> str:
    """What one address has used up of a limit. Expires by itself."""
    return f"{PREFIX}limit:{kind}:{address}"


def seen(sender: str, message: str) -> str:
    """STRING with expiry: a webhook's message that was taken already."""
    return f"{PREFIX}seen:{sender}:{message}"
