-- Move entries whose retry is due to the stream of retries.
-- KEYS retry_due, retry_stream
-- ARGV limit
-- Answer: how many, and when the next one is due (Redis TIME in ms, -1 for none)
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now_ms(), 'LIMIT', 0, ARGV[1])
for _, member in ipairs(due) do
  local readable, entry = pcall(cjson.decode, member)
  if not readable or type(entry) ~= 'table' or #entry == 0 or #entry % 2 == 1 then
    entry = {'malformed', member} -- becomes a dead letter, instead of stopping all the others
  end
  redis.call('XADD', KEYS[2], '*', unpack(entry))
  redis.call('ZREM', KEYS[1], member)
end
local upcoming = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {#due, tonumber(upcoming[2]) or -1}
