-- May this event be handled now?
-- KEYS handled (what the group knows of the event)
-- ARGV entry_id, lease_ms
-- Answer: go, done (handled before) or busy (another entry of the same event is in hand: a publisher
-- that repeats an XADD whose answer was lost makes two)
local holder = redis.call('GET', KEYS[1])
if holder == 'done' then return 'done' end
if holder and holder ~= ARGV[1] then return 'busy' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'go'
