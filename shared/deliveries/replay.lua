-- Makes the newest revision of a delivery due again, with its whole budget. Never before its
-- `not_before`: until then the receiver may still be at work on the last attempt.
-- KEYS delivery, due, dead, parked
-- ARGV subject, key of a call's log with %s for the call, log entry (without at_ms, revision)
-- Answer: 1 due again, 0 it has arrived, is in flight or about to be sent, -1 no such delivery

local delivery, due, dead, parked = unpack(KEYS)
local subject, log_key, log_entry = unpack(ARGV)
local revision, call_id = unpack(redis.call('HMGET', delivery, 'wanted', 'call_id'))
if not revision then return -1 end
local again = {dead = true, parked = true, unconfirmed = true, retrying = true}
local state, not_before = unpack(redis.call('HMGET', delivery, revision .. ':state',
  revision .. ':not_before'))
if not again[state] then return 0 end

local at = now_ms()
local member = subject .. '.' .. revision
redis.call('HSET', delivery, revision .. ':state', 'scheduled', revision .. ':tries', 0)
redis.call('HDEL', delivery, revision .. ':first_ms')
redis.call('ZADD', due, math.max(at, tonumber(not_before or 0)), member)
redis.call('ZREM', dead, member)
redis.call('ZREM', parked, member)
if call_id and call_id ~= '' then
  log_entry = with_member(log_entry, 'at_ms', string.format('%.0f', at))
  redis.call('XADD', string.format(log_key, call_id), 'NOMKSTREAM', '*', 'type', 'delivery',
    'data', with_member(log_entry, 'revision', revision))
end
return 1
