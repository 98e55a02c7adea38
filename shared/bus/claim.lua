-- Take over entries that nobody has shown a sign of life for.
-- KEYS stream
-- ARGV group, consumer, idle_ms, cursor, count
-- Answer: the next cursor, then {entry_id, {field, value, ...}, deliveries} for each
local answer = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4],
  'COUNT', ARGV[5])
local claimed = {answer[1]}
for _, entry in ipairs(answer[2]) do
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], entry[1], entry[1], 1)
  claimed[#claimed + 1] = {entry[1], entry[2], pending[1] and pending[1][4] or 1}
end
return claimed
