-- Takes calls that a watchdog must look at now; for hold_ms nobody else is given them.
-- KEYS calls.due
-- ARGV hold_ms, limit
-- Answer: call ids

local due = KEYS[1]
local hold_ms, limit = unpack(ARGV)
local at = now_ms()
local claimed = redis.call('ZRANGEBYSCORE', due, '-inf', at, 'LIMIT', 0, limit)
for _, call_id in ipairs(claimed) do redis.call('ZADD', due, at + hold_ms, call_id) end
return claimed
