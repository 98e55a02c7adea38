-- Take the entry off its stream, to be tried again later.
-- KEYS stream, retry_due, handled
-- ARGV group, entry_id, consumer, delay_ms, member (the entry's fields: a flat JSON list)
-- Answer: when it is due (Redis TIME in ms), 0 when the consumer does not hold the entry
if not is_owned(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return 0 end
local due = now_ms() + ARGV[4]
redis.call('ZADD', KEYS[2], due, ARGV[5])
acknowledge(KEYS[1], ARGV[1], ARGV[2], KEYS[3])
return due
