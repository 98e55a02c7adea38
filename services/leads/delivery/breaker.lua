-- The circuit breaker of a destination (a library). While it is open, nothing is sent but one probe at
-- a time; the pauses between probes double. It opens after `threshold` failures in a row, and at once
-- when the destination refuses our credentials; it closes when a post works.
--
-- Its hash (KEYS 5) holds `failures`, `open_until`, `opened_ms`, `pause`, `reason`, `probe` (the member
-- that is under way as one), `refused` (digest of the credentials that were) and
-- `acknowledges:ADDRESS` (a digest; that workflow has acknowledged before).

-- Milliseconds until a probe may begin (0: now); nil while it is closed.
local function breaker_wait()
  local open_until = tonumber(redis.call('HGET', DESTINATION, 'open_until'))
  return open_until and math.max(0, open_until - now)
end

local function note_probe(member)
  redis.call('HSET', DESTINATION, 'open_until', now + options.grace, 'probe', member)
end

local function open_breaker(pause, reason)
  local change = ''
  if redis.call('HEXISTS', DESTINATION, 'open_until') == 0 then
    redis.call('HSET', DESTINATION, 'opened_ms', now)
    change = 'opened'
  end
  redis.call('HSET', DESTINATION, 'open_until', now + pause, 'pause', pause, 'reason', reason)
  redis.call('HDEL', DESTINATION, 'probe')
  return change
end

-- What is parked becomes due, a thousand at a time: each post that works brings the next thousand.
local function close_breaker()
  local was_open = redis.call('HDEL', DESTINATION, 'open_until') == 1
  redis.call('HDEL', DESTINATION, 'failures', 'opened_ms', 'pause', 'reason', 'probe', 'refused')
  for _, member in ipairs(redis.call('ZRANGE', PARKED, 0, 999)) do
    redis.call('ZADD', DUE, 'XX', now, member)
    redis.call('ZREM', PARKED, member)
    local subject, revision = subject_and_revision(member)
    redis.call('HSET', delivery_key(subject), revision .. ':state', 'retrying')
  end
  return was_open and 'closed' or ''
end

-- What an attempt at `member` showed of the destination. -> 'opened', 'closed' or '' (no change)
local function update_breaker(member, signal, reason)
  if signal == 'works' then return close_breaker() end
  if signal == 'refuses' then
    redis.call('HSET', DESTINATION, 'refused', options.credentials)
    return open_breaker(options.park, reason)
  end
  local open, probe, pause = unpack(redis.call('HMGET', DESTINATION, 'open_until', 'probe', 'pause'))
  if open then
    if probe ~= member then return '' end
    pause = tonumber(pause or options.pause_first)
    return open_breaker(math.min(pause * 2, options.pause_longest), reason)
  end
  if signal == 'fails' and redis.call('HINCRBY', DESTINATION, 'failures', 1) >= options.threshold then
    return open_breaker(options.pause_first, reason)
  end
  return ''
end
