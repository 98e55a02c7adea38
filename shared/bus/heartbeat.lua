-- A sign of life for entries in hand. Takes nothing back from a consumer that has claimed one.
-- KEYS stream, then one handled per entry
-- ARGV group, consumer, lease_ms, then one entry_id per entry
-- Answer: the ids that another consumer has now (an acknowledged entry is nobody's, and not in it)
local lost = {}
for i = 4, #ARGV do
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)[1]
  if pending and pending[2] == ARGV[2] then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
    local handled = KEYS[i - 2]
    if redis.call('GET', handled) == ARGV[i] then redis.call('PEXPIRE', handled, ARGV[3]) end
  elseif pending then
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
