"""The Lua scripts of the bus. Each is one step: what it adds, it adds before it acknowledges.

Only commands of Redis 7.0 are used, which Valkey has as well.
"""

from typing import Final

# A script that gives an entry up or puts it off changes nothing unless the entry is still pending
# with the consumer that says so: it may be sent again after a lost connection, and a consumer that
# was frozen may have lost the entry to another one.
_OWNED = """
local function owned(stream, group, id, consumer)
  local pending = redis.call('XPENDING', stream, group, id, id, 1)
  return pending[1] ~= nil and pending[1][2] == consumer
end
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function forget(key, id)
  if redis.call('GET', key) == id then redis.call('DEL', key) end
end
"""

# May this entry's event be handled now?   -> go, done (before), busy (another entry of the same
# event is being handled, since a publisher's retried XADD makes two).
# KEYS handled   ARGV entry_id, lease_ms
BEGIN: Final = """
local holder = redis.call('GET', KEYS[1])
if holder == 'done' then return 'done' end
if holder and holder ~= ARGV[1] then return 'busy' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'go'
"""

# KEYS stream, handled   ARGV group, entry_id, keep_ms
DONE: Final = """
redis.call('SET', KEYS[2], 'done', 'PX', ARGV[3])
return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
"""

# KEYS stream, retry_due, handled   ARGV group, entry_id, consumer, delay_ms, member
# `member` is the entry for the retry stream, a flat JSON list.   -> when it is due, 0 if not owned
RETRY: Final = (
    _OWNED
    + """
if not owned(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return 0 end
local due = now() + ARGV[4]
redis.call('ZADD', KEYS[2], due, ARGV[5])
forget(KEYS[3], ARGV[2])
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return due
"""
)

# KEYS stream, dead_letters, handled   ARGV group, entry_id, consumer, field, value, ...
DEAD_LETTER: Final = (
    _OWNED
    + """
if not owned(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return false end
local letter = {'dead_ms', now()}
for i = 4, #ARGV do letter[#letter + 1] = ARGV[i] end
local id = redis.call('XADD', KEYS[2], '*', unpack(letter))
forget(KEYS[3], ARGV[2])
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return id
"""
)

# Moves entries that are due to the retry stream.   -> how many, when the next is due (or -1)
# KEYS retry_due, retry_stream   ARGV limit
PROMOTE_DUE: Final = (
    _OWNED
    + """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now(), 'LIMIT', 0, ARGV[1])
for _, member in ipairs(due) do
  redis.call('XADD', KEYS[2], '*', unpack(cjson.decode(member)))
  redis.call('ZREM', KEYS[1], member)
end
local next = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {#due, next[2] and tonumber(next[2]) or -1}
"""
)

# One step of the way back: the letter leaves as its entry arrives.   -> 1, or 0 if it was gone
# KEYS dead_letters, retry_stream   ARGV letter_id, field, value, ...
REPLAY: Final = """
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
local entry = {}
for i = 2, #ARGV do entry[#entry + 1] = ARGV[i] end
redis.call('XADD', KEYS[2], '*', unpack(entry))
return 1
"""

# Takes entries over that nobody has shown a sign of life for.
# KEYS stream   ARGV group, consumer, idle_ms, cursor, count
# -> {cursor, {id, fields, deliveries}...}
CLAIM: Final = """
local answer = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4],
  'COUNT', ARGV[5])
local claimed = {answer[1]}
for _, entry in ipairs(answer[2]) do
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], entry[1], entry[1], 1)
  claimed[#claimed + 1] = {entry[1], entry[2], pending[1] and pending[1][4] or 1}
end
return claimed
"""

# A sign of life for entries that are being handled; takes nothing back from who has claimed one.
# KEYS stream, then handled per entry   ARGV group, consumer, lease_ms, entry_id ...
# -> ids that another consumer has now (one that is settled is nobody's, and not among them)
HEARTBEAT: Final = """
local lost = {}
for i = 4, #ARGV do
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)[1]
  if pending and pending[2] == ARGV[2] then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
    local handled = KEYS[i - 2]
    if redis.call('GET', handled) == ARGV[i] then redis.call('PEXPIRE', handled, ARGV[3]) end
  elseif pending then
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
"""

_MAPS = """
local function map(flat)
  local fields = {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return fields
end
"""

# Deleting a consumer deletes what is pending with it, so the check and the deletion are one step.
# KEYS stream   ARGV group, idle_ms   -> names of those deleted
REMOVE_IDLE_CONSUMERS: Final = (
    _MAPS
    + """
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
local gone = {}
for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = map(flat)
  if consumer.pending == 0 and consumer.idle >= tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
    gone[#gone + 1] = consumer.name
  end
end
return gone
"""
)

# Removes entries that every group has handled and that are older than keep_ms.
# KEYS stream   ARGV keep_ms, limit (0: exactly, all at once)   -> how many
TRIM: Final = (
    _MAPS
    + """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local function longer_first(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end
local function before(a, b)
  local a_ms, a_seq = string.match(a, '(%d+)-(%d+)')
  local b_ms, b_seq = string.match(b, '(%d+)-(%d+)')
  if a_ms ~= b_ms then return longer_first(a_ms, b_ms) end
  return longer_first(a_seq, b_seq)
end
local groups = redis.call('XINFO', 'GROUPS', KEYS[1])
if #groups == 0 then return 0 end
local t = redis.call('TIME')
local needed = string.format('%.0f', math.max(0, t[1] * 1000 + math.floor(t[2] / 1000) - ARGV[1]))
needed = needed .. '-0'
for _, flat in ipairs(groups) do
  local group = map(flat)
  if before(group['last-delivered-id'], needed) then needed = group['last-delivered-id'] end
  if group.pending > 0 then
    local oldest = redis.call('XPENDING', KEYS[1], group.name)[2]
    if oldest and before(oldest, needed) then needed = oldest end
  end
end
if ARGV[2] == '0' then return redis.call('XTRIM', KEYS[1], 'MINID', '=', needed) end
return redis.call('XTRIM', KEYS[1], 'MINID', '~', needed, 'LIMIT', ARGV[2])
"""
)
