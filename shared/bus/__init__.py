"""The bus: typed events over Redis streams, delivered at least once and handled once.

bus = Bus(redis, source="gateway")
await bus.publish(CallRequested(call_id=..., agent_id=...))

consumer = Consumer(redis, CallEnded.stream, "leads", {CallEnded: on_call_ended})
background.run("consumer of calls", consumer.run, critical=True)
"""

from shared.bus.consumer import Consumer as Consumer
from shared.bus.dead_letters import DeadLetters as DeadLetters
from shared.bus.entry import Context as Context, Handler as Handler
from shared.bus.group_stats import read_group_stats as read_group_stats
from shared.bus.policy import Policy as Policy
from shared.bus.publish import Bus as Bus
