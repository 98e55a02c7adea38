-- New credentials or another address: what the old ones were refused for is tried at once.
-- KEYS, ARGV 1: see common.lua
-- -> 1 when there was something to review
local refused = redis.call('HGET', DESTINATION, 'refused')
if not refused or refused == options.credentials then return 0 end
redis.call('HSET', DESTINATION, 'open_until', now)
for _, member in ipairs(redis.call('ZRANGE', PARKED, 0, -1)) do
  redis.call('ZADD', DUE, 'XX', now, member)
end
return 1
