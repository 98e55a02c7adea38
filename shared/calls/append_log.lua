-- Appends to a call's log. An agent's entry is written only while its attempt holds a call that
-- goes on: what an agent says that has lost the call must not be read as a part of it.
-- KEYS call log, call
-- ARGV attempt or '' (somebody who is no agent), ttl_s, type, data
-- Answer: the stream entry's id, false when the attempt does not hold the call

local log, call = unpack(KEYS)
local attempt, ttl_s, type_, data = unpack(ARGV)
if attempt ~= '' then
  local current, state = unpack(redis.call('HMGET', call, 'attempt', 'state'))
  if attempt ~= current or state == 'ended' then return false end
end
local id = redis.call('XADD', log, '*', 'type', type_, 'data', data)
redis.call('EXPIRE', log, ttl_s)
return id
