"""The Lua scripts that are the only writers of `call:ID`.

One script is one step that cannot be torn: state, lease, due time and event change together. Times
are Redis TIME in milliseconds, the one clock that all replicas share.
"""

_NOW = """
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
"""

# KEYS call, calls.index, calls.due, stream calls, room
# ARGV ttl_s, room_ttl_s, due_in_ms, call_id, n, field, value ... (n pairs), event fields ...
OPEN = (
    _NOW
    + """
local at = now()
local n = tonumber(ARGV[5])
local fields = {'state', 'requested', 'attempt', '0', 'lease_ms', '0', 'created_ms', at}
for i = 6, 5 + 2 * n do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', KEYS[1], unpack(fields))
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('SET', KEYS[5], ARGV[4], 'EX', ARGV[2])
redis.call('ZADD', KEYS[2], at, ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', at - ARGV[1] * 1000)
redis.call('ZADD', KEYS[3], at + ARGV[3], ARGV[4])
local event = {}
for i = 6 + 2 * n, #ARGV do event[#event + 1] = ARGV[i] end
redis.call('XADD', KEYS[4], '*', unpack(event))
return at
"""
)

# A lease is taken when nobody holds a live one. Answers attempt > 0, 0 ended, -1 held, -2 unknown.
# KEYS call, calls.due   ARGV call_id, owner, lease_ms
TAKE = (
    _NOW
    + """
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return -2 end
if state == 'ended' then return 0 end
local at = now()
local lease = tonumber(redis.call('HGET', KEYS[1], 'lease_ms'))
if lease > at and redis.call('HGET', KEYS[1], 'owner') ~= ARGV[2] then return -1 end
local attempt = redis.call('HINCRBY', KEYS[1], 'attempt', 1)
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'lease_ms', at + ARGV[3], 'state', 'active')
redis.call('HSETNX', KEYS[1], 'started_ms', at)
redis.call('ZADD', KEYS[2], at + ARGV[3], ARGV[1])
return attempt
"""
)

# The current attempt always wins, even when its lease has lapsed: nobody else has taken it yet.
# KEYS call, calls.due   ARGV call_id, attempt, lease_ms   -> 1, or 0 when the call is not ours
RENEW = (
    _NOW
    + """
local state, attempt = unpack(redis.call('HMGET', KEYS[1], 'state', 'attempt'))
if state ~= 'active' or attempt ~= ARGV[2] then return 0 end
local at = now()
redis.call('HSET', KEYS[1], 'lease_ms', at + ARGV[3])
redis.call('ZADD', KEYS[2], at + ARGV[3], ARGV[1])
return 1
"""
)

# Gives the lease up early, so that another agent may take the call at once (a drain, a crash).
# KEYS call, calls.due   ARGV call_id, attempt
RELEASE = (
    _NOW
    + """
local state, attempt = unpack(redis.call('HMGET', KEYS[1], 'state', 'attempt'))
if state ~= 'active' or attempt ~= ARGV[2] then return 0 end
local at = now()
redis.call('HSET', KEYS[1], 'lease_ms', at)
redis.call('ZADD', KEYS[2], at, ARGV[1])
return 1
"""
)

# The first sight of the caller in the room starts the clock for "no agent came".
# KEYS call, calls.due   ARGV call_id, due_in_ms   -> 1 the first time
JOINED = (
    _NOW
    + """
local state = redis.call('HGET', KEYS[1], 'state')
if not state or state == 'ended' then return 0 end
local at = now()
if redis.call('HSETNX', KEYS[1], 'joined_ms', at) == 0 then return 0 end
if state == 'requested' then redis.call('ZADD', KEYS[2], at + ARGV[2], ARGV[1]) end
return 1
"""
)

# Takes calls whose due time has come; each moves ahead by hold_ms: no other watchdog sees it.
# KEYS calls.due   ARGV hold_ms, limit   -> call ids
CLAIM_DUE = (
    _NOW
    + """
local at = now()
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', at, 'LIMIT', 0, ARGV[2])
for _, id in ipairs(due) do redis.call('ZADD', KEYS[1], at + ARGV[1], id) end
return due
"""
)

# Compare and set, the log's last entry and XADD in one step: a call ends once, whoever says so.
# A lead that is not complete becomes final here, and so is posted as it stands.
# KEYS call, calls.due, stream calls, call log, lead, stream leads
# ARGV call_id, how, attempt or '', event_id, source, lead_event_id, iso_now, lead_id, log_ttl_s
END = (
    _NOW
    + """
local state, attempt, started, created =
  unpack(redis.call('HMGET', KEYS[1], 'state', 'attempt', 'started_ms', 'created_ms'))
if not state then return {0, ''} end
if state == 'ended' then return {0, redis.call('HGET', KEYS[1], 'how')} end
if ARGV[3] ~= '' and ARGV[3] ~= attempt then return {-1, ''} end
local at = now()
local outcome = 'no_lead'
local revision = redis.call('HGET', KEYS[5], 'revision')
if revision then
  outcome = 'lead_partial'
  if redis.call('HGET', KEYS[5], 'complete') == '1' then outcome = 'lead_complete' end
end
local duration = at - (started or created)
redis.call('HSET', KEYS[1], 'state', 'ended', 'ended_ms', at, 'how', ARGV[2],
  'outcome', outcome, 'lease_ms', 0)
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('XADD', KEYS[3], '*', 'type', 'call.ended', 'v', 1, 'id', ARGV[4], 'src', ARGV[5],
  'traceparent', '', 'data', cjson.encode({call_id = ARGV[1], how = ARGV[2], outcome = outcome,
  duration_ms = duration, at = ARGV[7]}))
redis.call('XADD', KEYS[4], '*', 'type', 'ended', 'data', cjson.encode({how = ARGV[2],
  outcome = outcome, duration_ms = duration, at_ms = at}))
redis.call('EXPIRE', KEYS[4], ARGV[9])
if outcome == 'lead_partial' then
  redis.call('HSET', KEYS[5], 'final', 1)
  redis.call('XADD', KEYS[6], '*', 'type', 'lead.changed', 'v', 1, 'id', ARGV[6], 'src', ARGV[5],
    'traceparent', '', 'data', cjson.encode({lead_id = ARGV[8], call_id = ARGV[1],
    revision = tonumber(revision), postable = true, at = ARGV[7]}))
end
return {1, outcome}
"""
)
