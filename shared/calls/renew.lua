-- Renews a lease. The current attempt wins even when its lease has lapsed: nobody else took it yet.
-- KEYS call, calls.due
-- ARGV call_id, attempt, lease_ms
-- Answer: 1 renewed, 0 the call is not this attempt's

local call, due = unpack(KEYS)
local call_id, attempt, lease_ms = unpack(ARGV)
local state, current = unpack(redis.call('HMGET', call, 'state', 'attempt'))
if state ~= 'active' or current ~= attempt then return 0 end
local at = now_ms()
redis.call('HSET', call, 'lease_ms', at + lease_ms)
redis.call('ZADD', due, at + lease_ms, call_id)
return 1
