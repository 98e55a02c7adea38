-- Remove consumers that hold nothing and were silent for a while. Deleting a consumer deletes what is
-- pending with it, so the check and the deletion are one step.
-- KEYS stream
-- ARGV group, idle_ms
-- Answer: the names of those removed
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
local removed = {}
for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = to_table(flat)
  if consumer.pending == 0 and consumer.idle >= tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
    removed[#removed + 1] = consumer.name
  end
end
return removed
