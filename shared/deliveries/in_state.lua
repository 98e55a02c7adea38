-- Which of some subjects have their newest revision in a state. Reads only.
-- KEYS none: the deliveries' keys are made of the subjects
-- ARGV key of a delivery with %s for the subject, state ('': any), then subjects
-- Answer: {{subjects in that state}, {subjects without a delivery: its retention is over}}

local key, state = ARGV[1], ARGV[2]
local found, gone = {}, {}
for i = 3, #ARGV do
  local delivery = string.format(key, ARGV[i])
  local revision = redis.call('HGET', delivery, 'wanted')
  if not revision then
    gone[#gone + 1] = ARGV[i]
  elseif state == '' or redis.call('HGET', delivery, revision .. ':state') == state then
    found[#found + 1] = ARGV[i]
  end
end
return {found, gone}
