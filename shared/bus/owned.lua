-- For scripts that take an entry off a stream. They change nothing unless it is still pending with
-- the consumer that asks: a command may be sent again after a lost connection, and a consumer that
-- was frozen may have lost the entry to another one. What they add, they add before they acknowledge.

local function is_owned(stream, group, entry_id, consumer)
  local pending = redis.call('XPENDING', stream, group, entry_id, entry_id, 1)
  return pending[1] ~= nil and pending[1][2] == consumer
end

local function acknowledge(stream, group, entry_id, handled)
  if redis.call('GET', handled) == entry_id then redis.call('DEL', handled) end
  redis.call('XACK', stream, group, entry_id)
end
