-- The event is handled: note it, so that duplicates are dropped, and acknowledge the entry.
-- KEYS stream, handled
-- ARGV group, entry_id, keep_ms
-- Answer: how many entries were acknowledged (0 or 1)
redis.call('SET', KEYS[2], 'done', 'PX', ARGV[3])
return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
