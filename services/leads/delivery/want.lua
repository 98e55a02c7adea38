-- A revision is to be sent: recorded and acknowledged on the bus in one step. An older one that waits
-- is superseded. Safe to repeat; an older revision than the one wanted changes nothing.
-- KEYS due, parked, dead, index, destination, alerted (common.lua)
-- ARGV options (common.lua), subject, revision, call_id, captured_at, then the entry to acknowledge:
--      stream, group, entry_id ('': none)
-- Answer: 1

local subject, revision = ARGV[2], tonumber(ARGV[3])
local call_id, captured_at, stream, group, entry_id = unpack(ARGV, 4)
local hash = delivery_key(subject)
local wanted = tonumber(redis.call('HGET', hash, 'wanted') or 0)
if revision > wanted then
  redis.call('HSET', hash, 'wanted', revision, 'call_id', call_id,
    revision .. ':state', 'scheduled', revision .. ':at', captured_at)
  redis.call('ZADD', DUE, now, member_of(subject, revision))
  redis.call('ZADD', INDEX, now, subject)
  redis.call('EXPIRE', hash, options.keep_s)
  if wanted > 0 then
    local state = redis.call('HGET', hash, wanted .. ':state')
    if state == 'scheduled' or state == 'retrying' or state == 'parked' or state == 'dead' then
      conclude(subject, wanted, 'superseded')
    end
  end
  log_update(subject, revision, 'scheduled')
end
if entry_id ~= '' then redis.call('XACK', stream, group, entry_id) end
return 1
