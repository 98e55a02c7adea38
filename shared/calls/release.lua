-- Gives a lease up before its time, so that another agent may take the call at once.
-- KEYS call, calls.due
-- ARGV call_id, attempt
-- Answer: 1 released, 0 the call is not this attempt's

local call, due = unpack(KEYS)
local call_id, attempt = unpack(ARGV)
local state, current = unpack(redis.call('HMGET', call, 'state', 'attempt'))
if state ~= 'active' or current ~= attempt then return 0 end
local at = now_ms()
redis.call('HSET', call, 'lease_ms', at)
redis.call('ZADD', due, at, call_id)
return 1
