"""The bus: typed events over Redis streams, delivered at least once and handled once.

bus = Bus(redis, source="gateway")
await bus.publish(CallRequested(call_id=..., agent_id=...))

consumer = Consumer(redis, CallEnded.stream, "leads", {CallEnded: on_call_ended})
background.run("consumer of calls", consumer.run, critical=True)
"""

from shared.bus.consumer import Consumer
from shared.bus.dead_letters import DeadLetter, DeadLetters
from shared.bus.entry import Context, Handler
from shared.bus.group_stats import GroupStats, read_group_stats
from shared.bus.maintenance import remove_idle_consumers, trim
from shared.bus.policy import Policy
from shared.bus.publish import Bus
from shared.redis.outage import OutageBackoff, outage_reason, retry_until_available

__all__ = [
    "Bus",
    "Consumer",
    "Context",
    "DeadLetter",
    "DeadLetters",
    "GroupStats",
    "Handler",
    "OutageBackoff",
    "Policy",
    "outage_reason",
    "read_group_stats",
    "remove_idle_consumers",
    "retry_until_available",
    "trim",
]
