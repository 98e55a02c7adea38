-- Gives the call to an agent when no other one holds a live lease on it.
-- KEYS call, calls.due
-- ARGV call_id, owner, lease_ms
-- Answer: the attempt (from 1), 0 the call has ended, -1 another agent holds it, -2 no such call

local call, due = unpack(KEYS)
local call_id, owner, lease_ms = unpack(ARGV)
local state, holder, until_ms = unpack(redis.call('HMGET', call, 'state', 'owner', 'lease_ms'))
if not state then return -2 end
if state == 'ended' then return 0 end
local at = now_ms()
if tonumber(until_ms or 0) > at and holder ~= owner then return -1 end
redis.call('HSET', call, 'owner', owner, 'lease_ms', at + lease_ms, 'state', 'active')
redis.call('HSETNX', call, 'started_ms', at)
redis.call('ZADD', due, at + lease_ms, call_id)
return redis.call('HINCRBY', call, 'attempt', 1)
