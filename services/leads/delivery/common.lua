-- What the scripts of deliveries share. One script is one step: what is wanted, in flight, waiting or
-- dead, what the call's log says of it, the circuit breaker, and the acknowledgement on the bus.
--
-- KEYS 1 due  2 parked  3 dead  4 index  5 destination  6 alerted   (shared/redis/keys.py)
-- ARGV 1 options of the destination as JSON (policy.py); times in it are milliseconds.
--
-- A subject's hash holds `wanted` (the highest revision), `call_id`, `acknowledged` (the highest one),
-- `flying` and `flying_ms` (the attempt that began last), and for each revision R: `R:state`,
-- `R:attempts` (ever), `R:recorded` (with a result), `R:tries` (since the last replay), `R:first_ms`,
-- `R:started_ms`, `R:not_before`, `R:at` (when it was captured).

local DUE, PARKED, DEAD, INDEX, DESTINATION, ALERTED = unpack(KEYS)
local options = cjson.decode(ARGV[1])
local now = now_ms()

local function delivery_key(subject) return string.format(options.delivery, subject) end
local function attempts_key(subject) return string.format(options.attempts, subject) end

-- A member of the sorted sets, and back.
local function member_of(subject, revision) return subject .. '.' .. revision end

local function subject_and_revision(member)
  local subject, revision = string.match(member, '^(.*)%.(%d+)$')
  return subject, tonumber(revision)
end

-- The call's log tells of every change; a log that was erased stays so.
local function log_update(subject, revision, state, details)
  local call = redis.call('HGET', delivery_key(subject), 'call_id')
  if not call or call == '' then return end
  local entry = cjson.decode(options.update)
  for name, value in pairs(details or {}) do entry[name] = value end
  entry.at_ms, entry.subject, entry.revision, entry.state = now, subject, revision, state
  redis.call('XADD', string.format(options.call_log, call), 'NOMKSTREAM', '*', 'type', 'delivery',
    'data', cjson.encode(entry))
end

-- A state in which nothing is due any more.
local function conclude(subject, revision, state, details)
  local member = member_of(subject, revision)
  redis.call('HSET', delivery_key(subject), revision .. ':state', state)
  redis.call('ZREM', DUE, member)
  redis.call('ZREM', PARKED, member)
  if state == 'dead' then redis.call('ZADD', DEAD, now, member)
  else redis.call('ZREM', DEAD, member) end
  log_update(subject, revision, state, details)
end
