-- What every script may use. Times are Redis TIME in milliseconds: the clock that all replicas share.

local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- The JSON object `json` with one more member. Text is joined to text: cjson would write an empty
-- list as {} and lose digits of large numbers. `value` is JSON itself.
local function with_member(json, name, value)
  local separator = json == '{}' and '' or ','
  return string.sub(json, 1, -2) .. separator .. '"' .. name .. '":' .. value .. '}'
end

-- Appends an event that Python has encoded: `fields` is the flat JSON list of its stream fields, of
-- which `data` is the last value. `members` are what only the script knows: {name, JSON, ...}.
local function emit(stream, fields, members)
  local entry = cjson.decode(fields)
  for i = 1, #members, 2 do
    entry[#entry] = with_member(entry[#entry], members[i], members[i + 1])
  end
  return redis.call('XADD', stream, '*', unpack(entry))
end
