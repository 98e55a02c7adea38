-- Give a dead letter back to its group: the letter leaves as its entry arrives.
-- KEYS dead_letters, retry_stream
-- ARGV letter_id, then the entry: field, value, ...
-- Answer: 1, or 0 when the letter was gone
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
return 1
