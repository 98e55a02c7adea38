-- Records the result of an attempt and begins others, in one step. Safe to repeat.
-- KEYS due, parked, dead, index, destination, alerted (common.lua)
-- ARGV options (common.lua), result, attempt, how many new attempts at most
--      result is JSON: subject, revision, attempt, outcome, signal, reason, may_be_running, delay (ms)
--      and details (members of the log's entry); attempt is JSON as the history keeps it
-- Answer: {state, breaker: opened, closed or '', 1 for the first dead letter of an hour,
--     attempts (see begin_attempt), ms until the next look; -1: nothing waits}

local result = cjson.decode(ARGV[2])
local attempt_json, more = ARGV[3], tonumber(ARGV[4])
local subject, revision = result.subject, result.revision
local hash, member, r = delivery_key(subject), member_of(subject, revision), revision .. ':'

local function record_attempt(recorded)
  redis.call('HSET', hash, r .. 'recorded', math.max(result.attempt, recorded))
  redis.call('RPUSH', attempts_key(subject), attempt_json)
  redis.call('LTRIM', attempts_key(subject), -options.attempts_kept, -1)
  redis.call('EXPIRE', attempts_key(subject), options.keep_s)
end

local function acknowledge(state)
  local best = tonumber(redis.call('HGET', hash, 'acknowledged') or 0)
  redis.call('HSET', hash, 'acknowledged', math.max(best, revision))
  redis.call('HSET', DESTINATION, 'acknowledges:' .. options.address, 1)
  if state ~= 'acknowledged' then conclude(subject, revision, 'acknowledged', result.details) end
  return 'acknowledged'
end

-- Whether a 2xx without an acknowledgement has to be followed by one.
local function must_acknowledge()
  return options.ack == 'strict' or (options.ack == 'auto'
    and redis.call('HEXISTS', DESTINATION, 'acknowledges:' .. options.address) == 1)
end

local function give_up()
  conclude(subject, revision, 'dead', result.details)
  return 'dead'
end

local function wait_until(due, state)
  redis.call('HSET', hash, r .. 'state', state)
  redis.call('ZADD', DUE, due, member)
  result.details.next_at_ms = due
  log_update(subject, revision, state, result.details)
  return state
end

local function try_again()
  local first = tonumber(redis.call('HGET', hash, r .. 'first_ms') or now)
  if now - first >= options.budget then return give_up() end
  local due = now + result.delay
  if result.may_be_running then
    local over = tonumber(redis.call('HGET', hash, r .. 'started_ms') or now) + options.grace
    redis.call('HSET', hash, r .. 'not_before', over)
    due = math.max(due, over)
  end
  return wait_until(due, 'retrying')
end

local function park()
  redis.call('ZADD', PARKED, 'NX', now, member)
  return wait_until(now + options.park, 'parked')
end

-- The state of the revision after this attempt.
local function next_state(state)
  local outcome = result.outcome
  if outcome == 'acknowledged' then return acknowledge(state) end
  -- Only the latest attempt may say that it did not work, and only while nobody knows better.
  local latest = tonumber(redis.call('HGET', hash, r .. 'attempts') or 0)
  if state ~= 'posting' or latest ~= result.attempt then return state end
  if outcome == 'unconfirmed' then
    if not must_acknowledge() then
      conclude(subject, revision, 'unconfirmed', result.details)
      return 'unconfirmed'
    end
    outcome = 'retry'
  end
  if tonumber(redis.call('HGET', hash, 'wanted')) > revision then
    conclude(subject, revision, 'superseded', result.details)
    return 'superseded'
  end
  if outcome == 'park' then return park() end
  if outcome == 'retry' then return try_again() end
  return give_up()
end

-- A newer revision that waited for the beginning of this one's post need not wait any more.
local function let_newer_go()
  local flying = tonumber(redis.call('HGET', hash, 'flying') or 0)
  if flying == revision then redis.call('HDEL', hash, 'flying', 'flying_ms') end
  local wanted = tonumber(redis.call('HGET', hash, 'wanted'))
  if wanted == revision then return end
  local state, earliest = unpack(redis.call('HMGET', hash, wanted .. ':state',
    wanted .. ':not_before'))
  if state == 'scheduled' then
    redis.call('ZADD', DUE, 'XX', math.max(now, tonumber(earliest or 0)),
      member_of(subject, wanted))
  end
end

local before = redis.call('HGET', hash, r .. 'state')
local recorded = tonumber(redis.call('HGET', hash, r .. 'recorded') or 0)
local late = result.outcome == 'acknowledged' and before ~= 'acknowledged'
local state, breaker, first_dead = before or 'erased', '', 0
if before and (result.attempt > recorded or late) then
  record_attempt(recorded)
  breaker = update_breaker(member, result.signal, result.reason)
  state = next_state(before)
  if state == 'dead' and before ~= 'dead' and redis.call('SET', ALERTED, now, 'NX', 'EX', 3600) then
    first_dead = 1
  end
  let_newer_go()
end
local begun, upcoming = unpack(begin_due(more))
return {state, breaker, first_dead, begun, upcoming}
