-- Take the entry off its stream for good, and keep it as a dead letter.
-- KEYS stream, dead_letters, handled
-- ARGV group, entry_id, consumer, then the letter: field, value, ...
-- Answer: the letter's id, nil when the consumer does not hold the entry
if not is_owned(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return false end
local letter_id = redis.call('XADD', KEYS[2], '*', 'dead_ms', now_ms(), unpack(ARGV, 4))
acknowledge(KEYS[1], ARGV[1], ARGV[2], KEYS[3])
return letter_id
