-- Opens a call, publishes call.requested and puts the watchdog's first look, in one step. A room
-- serves one call only: what LiveKit says late of an old room would otherwise hit the new call.
-- KEYS call, calls.index, calls.due, stream calls, room
-- ARGV ttl_s, room_ttl_s, due_in_ms, call_id, room, event, then field, value, ... of the call
-- Answer: 1 opened, 0 this very call is open already (a retry), -1 the room has another call

local call, index, due, stream, room_key = unpack(KEYS)
local ttl_s, room_ttl_s, due_in_ms, call_id, room, event = unpack(ARGV, 1, 6)
local holder = redis.call('GET', room_key)
if holder and holder ~= call_id then return -1 end
local known = redis.call('HGET', call, 'room')
if known then return known == room and 0 or -1 end

local at = now_ms()
redis.call('HSET', call, 'state', 'requested', 'attempt', 0, 'lease_ms', 0, 'created_ms', at,
  unpack(ARGV, 7))
redis.call('EXPIRE', call, ttl_s)
redis.call('SET', room_key, call_id, 'EX', room_ttl_s)
redis.call('ZADD', index, at, call_id)
redis.call('ZREMRANGEBYSCORE', index, '-inf', at - ttl_s * 1000)
redis.call('ZADD', due, at + due_in_ms, call_id)
emit(stream, event, {})
return 1
