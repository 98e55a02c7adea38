"""The Lua scripts that are the only writers of deliveries.

One script is one step: what is wanted, in flight, waiting, dead, what the call's log says of it,
the circuit breaker, and the acknowledgement on the bus change together. ARGV[1] of each is the
options of the destination as JSON (ledger.py); times are Redis TIME in milliseconds.

A subject's hash holds `wanted` (the highest revision), `call_id`, `acknowledged` (the highest one),
`flying` and `flying_ms` (the attempt that began last), and for each revision R: `R:state`,
`R:attempts` (ever), `R:recorded` (with a result), `R:tries` (since the last replay), `R:first_ms`,
`R:started_ms`, `R:not_before`, `R:at` (when it was captured).
"""

from typing import Final

_COMMON = """
local O = cjson.decode(ARGV[1])
local t = redis.call('TIME')
local at = t[1] * 1000 + math.floor(t[2] / 1000)

-- The call's log tells of every change; a log that was erased stays so.
local function note(hash, subject, revision, state, more)
  local call = redis.call('HGET', hash, 'call_id')
  if not call or call == '' then return end
  local entry = more or {}
  entry.at_ms, entry.destination, entry.subject = at, O.name, subject
  entry.revision, entry.state = revision, state
  redis.call('XADD', O.call_prefix .. call .. ':log', 'NOMKSTREAM', '*', 'type', 'delivery',
    'data', cjson.encode(entry))
end

local function settle(hash, subject, revision, state, more)
  local member = subject .. '.' .. revision
  redis.call('HSET', hash, revision .. ':state', state)
  redis.call('ZREM', O.due, member)
  redis.call('ZREM', O.parked, member)
  if state == 'dead' then redis.call('ZADD', O.dead, at, member)
  else redis.call('ZREM', O.dead, member) end
  note(hash, subject, revision, state, more)
end
"""

# A revision is to be sent: recorded and acknowledged in one step. A waiting older one is
# superseded.
# ARGV options, subject, revision, call_id, captured_at, stream, group, entry_id
WANT: Final = (
    _COMMON
    + """
local hash, subject, revision = O.prefix .. ARGV[2], ARGV[2], tonumber(ARGV[3])
local wanted = tonumber(redis.call('HGET', hash, 'wanted') or 0)
if revision > wanted then
  redis.call('HSET', hash, 'wanted', revision, 'call_id', ARGV[4],
    revision .. ':state', 'scheduled', revision .. ':at', ARGV[5])
  redis.call('ZADD', O.due, at, subject .. '.' .. revision)
  redis.call('ZADD', O.index, at, subject)
  redis.call('EXPIRE', hash, O.keep_s)
  if wanted > 0 then
    local state = redis.call('HGET', hash, wanted .. ':state')
    if state == 'scheduled' or state == 'retrying' or state == 'parked' or state == 'dead' then
      settle(hash, subject, wanted, 'superseded')
    end
  end
  note(hash, subject, revision, 'scheduled')
end
if ARGV[8] ~= '' then redis.call('XACK', ARGV[6], ARGV[7], ARGV[8]) end
return 1
"""
)

# Takes what is due: {claims, ms until the next look}. The score of a claimed one moves to the end
# of its attempt's grace: until then nobody takes it, then anybody does: its process is dead.
_CLAIM = """
local function wait_for_order(hash, revision)
  -- A newer revision begins only when the older one's post has surely begun: see `headstart`.
  local flying, since = unpack(redis.call('HMGET', hash, 'flying', 'flying_ms'))
  if not flying or tonumber(flying) == revision then return nil end
  local earliest = tonumber(since) + O.headstart
  if earliest > at then return earliest end
end

local function begin(member, hash, subject, revision, content)
  local r = revision .. ':'
  if redis.call('HGET', hash, r .. 'state') == 'posting' then
    redis.call('RPUSH', hash .. ':attempts', cjson.encode({revision = revision,
      attempt = tonumber(redis.call('HGET', hash, r .. 'attempts')), outcome = 'lost',
      at_ms = tonumber(redis.call('HGET', hash, r .. 'started_ms')),
      why = 'the process ended before it had a result'}))
  end
  redis.call('HSETNX', hash, r .. 'first_ms', at)
  local attempt = redis.call('HINCRBY', hash, r .. 'attempts', 1)
  local tries = redis.call('HINCRBY', hash, r .. 'tries', 1)
  redis.call('HSET', hash, r .. 'state', 'posting', r .. 'started_ms', at,
    'flying', revision, 'flying_ms', at)
  redis.call('ZADD', O.due, at + O.grace, member)
  local call, captured = unpack(redis.call('HMGET', hash, 'call_id', r .. 'at'))
  return {subject, revision, attempt, tries, call or '', captured or '', content or {}}
end

local function claim(limit)
  local claims = {}
  if limit < 1 then return {claims, -1} end
  local open = tonumber(redis.call('HGET', O.destination, 'open_until'))
  if open then
    if open > at then return {claims, open - at} end
    limit = 1
  end
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', O.due, '-inf', at, 'LIMIT', 0, 50)) do
    if #claims == limit then return {claims, 0} end
    local subject, revision = string.match(member, '^(.*)%.(%d+)$')
    revision = tonumber(revision)
    local hash = O.prefix .. subject
    local wanted = tonumber(redis.call('HGET', hash, 'wanted'))
    local content = O.content ~= '' and redis.call('HGETALL', O.content .. subject) or nil
    local newest = O.content ~= ''
      and tonumber(redis.call('HGET', O.content .. subject, 'revision') or 0) or revision
    if not wanted then
      redis.call('ZREM', O.due, member)
    elseif content and #content == 0 then
      settle(hash, subject, revision, 'erased')
    elseif wanted > revision or newest > revision then
      settle(hash, subject, revision, 'superseded')
    else
      local later = wait_for_order(hash, revision)
      if later then
        redis.call('ZADD', O.due, later, member)
      else
        claims[#claims + 1] = begin(member, hash, subject, revision, content)
        if open then
          redis.call('HSET', O.destination, 'open_until', at + O.grace, 'probe', member)
        end
      end
    end
  end
  local upcoming = redis.call('ZRANGE', O.due, 0, 0, 'WITHSCORES')
  return {claims, upcoming[2] and math.max(0, tonumber(upcoming[2]) - at) or -1}
end
"""

# ARGV options, limit   -> {claims, ms until the next look, or -1}
CLAIM: Final = _COMMON + _CLAIM + "return claim(tonumber(ARGV[2]))"

# The result of an attempt. Safe to repeat. ARGV options, result as JSON, limit of new claims
# -> {state, breaker: opened, closed or nothing, reason, first dead letter of the hour, claims, ms}
FINISH: Final = (
    _COMMON
    + _CLAIM
    + """
local R = cjson.decode(ARGV[2])
local hash, member = O.prefix .. R.subject, R.subject .. '.' .. R.revision
local r = R.revision .. ':'
local alert, breaker, reason = 0, '', R.why

local function open_breaker(pause)
  if redis.call('HEXISTS', O.destination, 'open_until') == 0 then
    redis.call('HSET', O.destination, 'opened_ms', at)
    breaker = 'opened'
  end
  redis.call('HSET', O.destination, 'open_until', at + pause, 'pause', pause, 'reason', R.why)
  redis.call('HDEL', O.destination, 'probe')
end

local function close_breaker()
  if redis.call('HDEL', O.destination, 'open_until') == 1 then breaker = 'closed' end
  redis.call('HDEL', O.destination, 'failures', 'opened_ms', 'pause', 'reason', 'probe', 'refused')
  for _, parked in ipairs(redis.call('ZRANGE', O.parked, 0, 999)) do
    redis.call('ZADD', O.due, 'XX', at, parked)
    redis.call('ZREM', O.parked, parked)
    local subject, revision = string.match(parked, '^(.*)%.(%d+)$')
    redis.call('HSET', O.prefix .. subject, revision .. ':state', 'retrying')
  end
end

local function judge_destination()
  local open, probe = unpack(redis.call('HMGET', O.destination, 'open_until', 'probe'))
  if R.health == 'good' then
    close_breaker()
  elseif R.health == 'refused' then
    redis.call('HSET', O.destination, 'refused', O.credentials)
    open_breaker(O.park)
  elseif open then
    if probe == member then
      local pause = tonumber(redis.call('HGET', O.destination, 'pause') or O.pause_first)
      open_breaker(math.min(pause * 2, O.pause_longest))
    end
  elseif R.health == 'bad' then
    if redis.call('HINCRBY', O.destination, 'failures', 1) >= O.threshold then
      open_breaker(O.pause_first)
    end
  end
end

local function again(details)
  local first = tonumber(redis.call('HGET', hash, r .. 'first_ms') or at)
  if at - first >= O.budget then return 'dead' end
  local due, started = at + R.delay, tonumber(redis.call('HGET', hash, r .. 'started_ms') or at)
  if R.cautious then
    due = math.max(due, started + O.grace)
    redis.call('HSET', hash, r .. 'not_before', started + O.grace)
  end
  redis.call('HSET', hash, r .. 'state', 'retrying')
  redis.call('ZADD', O.due, due, member)
  details.next_at_ms = due
  note(hash, R.subject, R.revision, 'retrying', details)
  return 'retrying'
end

local function park(details)
  redis.call('HSET', hash, r .. 'state', 'parked')
  redis.call('ZADD', O.parked, 'NX', at, member)
  redis.call('ZADD', O.due, at + O.park, member)
  details.next_at_ms = at + O.park
  note(hash, R.subject, R.revision, 'parked', details)
  return 'parked'
end

local function decide(state)
  local verdict = R.verdict
  local details = {status = R.status, answer = R.answer, attempt = R.attempt}
  if verdict == 'acknowledged' then
    local best = tonumber(redis.call('HGET', hash, 'acknowledged') or 0)
    redis.call('HSET', hash, 'acknowledged', math.max(best, R.revision))
    redis.call('HSET', O.destination, 'acknowledges:' .. O.address, 1)
    if state ~= 'acknowledged' then
      settle(hash, R.subject, R.revision, 'acknowledged', details)
    end
    return 'acknowledged'
  end
  -- Only the latest attempt may say that it did not work, and only while nobody knows better.
  local latest = tonumber(redis.call('HGET', hash, r .. 'attempts') or 0)
  if state ~= 'posting' or latest ~= R.attempt then return state end
  if verdict == 'unconfirmed' then
    local held = O.ack == 'strict' or (O.ack == 'auto'
      and redis.call('HEXISTS', O.destination, 'acknowledges:' .. O.address) == 1)
    if not held then
      settle(hash, R.subject, R.revision, 'unconfirmed', details)
      return 'unconfirmed'
    end
    verdict = 'retry'
  end
  if tonumber(redis.call('HGET', hash, 'wanted')) > R.revision then
    settle(hash, R.subject, R.revision, 'superseded', details)
    return 'superseded'
  end
  if verdict == 'park' then return park(details) end
  if verdict == 'retry' then verdict = again(details) end
  if verdict == 'dead' then
    settle(hash, R.subject, R.revision, 'dead', details)
    if redis.call('SET', O.alerted, at, 'NX', 'EX', 3600) then alert = 1 end
  end
  return verdict
end

-- A newer revision that waited for the beginning of this one's post need not wait any more.
local function let_newer_go()
  local flying = tonumber(redis.call('HGET', hash, 'flying') or 0)
  if flying == R.revision then redis.call('HDEL', hash, 'flying', 'flying_ms') end
  local wanted = tonumber(redis.call('HGET', hash, 'wanted'))
  if wanted == R.revision then return end
  local w_state, earliest = unpack(redis.call('HMGET', hash, wanted .. ':state',
    wanted .. ':not_before'))
  if w_state == 'scheduled' then
    redis.call('ZADD', O.due, 'XX', math.max(at, tonumber(earliest or 0)),
      R.subject .. '.' .. wanted)
  end
end

local state = redis.call('HGET', hash, r .. 'state')
local recorded = tonumber(redis.call('HGET', hash, r .. 'recorded') or 0)
local late = R.verdict == 'acknowledged' and state ~= 'acknowledged'
if state and (R.attempt > recorded or late) then
  redis.call('HSET', hash, r .. 'recorded', math.max(R.attempt, recorded))
  redis.call('RPUSH', hash .. ':attempts', R.attempt_json)
  redis.call('LTRIM', hash .. ':attempts', -O.attempts_kept, -1)
  redis.call('EXPIRE', hash .. ':attempts', O.keep_s)
  judge_destination()
  state = decide(state)
  let_newer_go()
end
local more = claim(tonumber(ARGV[3]))
return {state or 'erased', breaker, reason, alert, more[1], more[2]}
"""
)

# New credentials or another address: what the old ones were refused for is tried at once.
# ARGV options   -> 1 when there was something to review
REVIEW: Final = (
    _COMMON
    + """
local refused = redis.call('HGET', O.destination, 'refused')
if not refused or refused == O.credentials then return 0 end
redis.call('HSET', O.destination, 'open_until', at)
for _, parked in ipairs(redis.call('ZRANGE', O.parked, 0, -1)) do
  redis.call('ZADD', O.due, 'XX', at, parked)
end
return 1
"""
)
