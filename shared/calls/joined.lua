-- Notes that the caller is in the room: the first sight of them starts the wait for an agent.
-- KEYS call, calls.due
-- ARGV call_id, due_in_ms
-- Answer: 1 the first time, 0 it was known, or there is no such call, or it has ended

local call, due = unpack(KEYS)
local call_id, due_in_ms = unpack(ARGV)
local state = redis.call('HGET', call, 'state')
if not state or state == 'ended' then return 0 end
local at = now_ms()
if redis.call('HSETNX', call, 'joined_ms', at) == 0 then return 0 end
if state == 'requested' then redis.call('ZADD', due, at + due_in_ms, call_id) end
return 1
