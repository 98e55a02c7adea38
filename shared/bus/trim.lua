-- Remove entries that every group has acknowledged and that are older than keep_ms.
-- KEYS stream
-- ARGV keep_ms, limit (0: exactly, all at once)
-- Answer: how many. None from a stream without groups: nobody has read it yet.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end

local function is_less(a, b) -- of whole numbers as text: they may have more digits than Lua keeps
  if #a ~= #b then return #a < #b end
  return a < b
end

local function is_before(a, b)
  local a_ms, a_seq = string.match(a, '(%d+)-(%d+)')
  local b_ms, b_seq = string.match(b, '(%d+)-(%d+)')
  if a_ms ~= b_ms then return is_less(a_ms, b_ms) end
  return is_less(a_seq, b_seq)
end

local groups = redis.call('XINFO', 'GROUPS', KEYS[1])
if #groups == 0 then return 0 end
local needed = string.format('%.0f-0', math.max(0, now_ms() - ARGV[1]))
for _, flat in ipairs(groups) do
  local group = to_table(flat)
  if is_before(group['last-delivered-id'], needed) then needed = group['last-delivered-id'] end
  if group.pending > 0 then
    local oldest = redis.call('XPENDING', KEYS[1], group.name)[2]
    if oldest and is_before(oldest, needed) then needed = oldest end
  end
end
if ARGV[2] == '0' then return redis.call('XTRIM', KEYS[1], 'MINID', '=', needed) end
return redis.call('XTRIM', KEYS[1], 'MINID', '~', needed, 'LIMIT', ARGV[2])
