-- A revision is to be sent: recorded and acknowledged on the bus in one step. An older one that waits
-- is superseded. Safe to repeat; an older revision than the one wanted changes nothing.
-- KEYS, ARGV 1: see common.lua
-- ARGV 2 subject  3 revision  4 call_id  5 captured_at  6 stream  7 group  8 entry_id ('': none)
-- -> 1
local subject, revision = ARGV[2], tonumber(ARGV[3])
local hash = delivery_key(subject)
local wanted = tonumber(redis.call('HGET', hash, 'wanted') or 0)
if revision > wanted then
  redis.call('HSET', hash, 'wanted', revision, 'call_id', ARGV[4],
    revision .. ':state', 'scheduled', revision .. ':at', ARGV[5])
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
if ARGV[8] ~= '' then redis.call('XACK', ARGV[6], ARGV[7], ARGV[8]) end
return 1
