-- A sliding window: one member for each accepted request, scored by its time. A refused request
-- leaves no trace, so that asking again too early does not prolong the wait.
-- KEYS window
-- ARGV window_ms, limit, member
-- Answer: milliseconds to wait; 0 = accepted

local window = KEYS[1]
local window_ms, limit, member = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local at = now_ms()
redis.call('ZREMRANGEBYSCORE', window, '-inf', at - window_ms)
if redis.call('ZCARD', window) >= limit then
  local oldest = redis.call('ZRANGE', window, 0, 0, 'WITHSCORES')
  return math.max(1, oldest[2] + window_ms - at)
end
redis.call('ZADD', window, at, member)
redis.call('PEXPIRE', window, window_ms)
return 0
