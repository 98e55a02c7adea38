-- New credentials or another address: what the old ones were refused for is tried at once.
-- KEYS due, parked, dead, index, destination, alerted (common.lua)
-- ARGV options (common.lua)
-- Answer: 1 when there was something to review, else 0

local refused = redis.call('HGET', DESTINATION, 'refused')
if not refused or refused == options.credentials then return 0 end
redis.call('HSET', DESTINATION, 'open_until', now)
for _, member in ipairs(redis.call('ZRANGE', PARKED, 0, -1)) do
  redis.call('ZADD', DUE, 'XX', now, member)
end
return 1
