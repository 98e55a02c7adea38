-- Merges what was said into a lead. A change that changes something makes a new revision, its entry
-- in the call's log and its lead.changed in the same step; an older one never replaces a newer one.
-- KEYS lead, stream leads, call log, call, leads.index
-- ARGV context, required (JSON list), ttl_s, lead_id, log entry, lead.changed
--      (encoded without revision, complete, changed, postable),
--      then per change: field, value (JSON), attempt, sequence, source, known (1 or 0)
-- Answer: {revision, complete (1 or 0), changed (1 or 0)}
--
-- The lead's hash holds revision, complete, final, captured_ms, context, and per field v:KEY (x:KEY
-- for one that the profile does not know), o:KEY its order "attempt.sequence" and src:KEY.

local lead, leads, log, call, index = unpack(KEYS)
local context, required, ttl_s, lead_id, log_entry, lead_changed = unpack(ARGV, 1, 6)
local names, values = {}, {} -- what changed, in the order in which it was said

local function is_newer(field, attempt, sequence)
  local order = redis.call('HGET', lead, 'o:' .. field)
  if not order then return true end
  local last_attempt, last_sequence = string.match(order, '(%d+)%.(%d+)')
  attempt, last_attempt = tonumber(attempt), tonumber(last_attempt)
  if attempt ~= last_attempt then return attempt > last_attempt end
  return tonumber(sequence) > tonumber(last_sequence)
end

local function apply(field, value, attempt, sequence, source, known)
  if not is_newer(field, attempt, sequence) then return end
  redis.call('HSET', lead, 'o:' .. field, attempt .. '.' .. sequence)
  local slot = (known == '1' and 'v:' or 'x:') .. field
  if redis.call('HGET', lead, slot) == value then return end
  redis.call('HSET', lead, slot, value, 'src:' .. field, source)
  if not values[field] then names[#names + 1] = field end
  values[field] = value
end

local function is_complete()
  for _, key in ipairs(cjson.decode(required)) do
    local value = redis.call('HGET', lead, 'v:' .. key)
    if not value or value == 'null' or value == '""' then return false end
  end
  return true
end

for i = 7, #ARGV, 6 do apply(unpack(ARGV, i, i + 5)) end
if #names == 0 then
  local revision, complete = unpack(redis.call('HMGET', lead, 'revision', 'complete'))
  return {tonumber(revision or 0), tonumber(complete or 0), 0}
end

local at = now_ms()
local revision = redis.call('HINCRBY', lead, 'revision', 1)
local complete = is_complete()
redis.call('HSETNX', lead, 'captured_ms', at)
redis.call('HSETNX', lead, 'context', context)
redis.call('HSET', lead, 'complete', complete and 1 or 0)
if redis.call('HGET', call, 'state') == 'ended' then redis.call('HSET', lead, 'final', 1) end
redis.call('EXPIRE', lead, ttl_s)
redis.call('ZADD', index, 'NX', at, lead_id)
redis.call('ZREMRANGEBYSCORE', index, '-inf', at - ttl_s * 1000)

local changed = '{}'
for _, name in ipairs(names) do
  changed = with_member(changed, string.sub(cjson.encode(name), 2, -2), values[name])
end
log_entry = with_member(log_entry, 'revision', revision)
log_entry = with_member(log_entry, 'complete', tostring(complete))
redis.call('XADD', log, '*', 'type', 'lead', 'data', with_member(log_entry, 'changed', changed))

local postable = complete or redis.call('HGET', lead, 'final') == '1'
emit(leads, lead_changed, {'revision', revision, 'postable', tostring(postable)})
return {revision, complete and 1 or 0, 1}
