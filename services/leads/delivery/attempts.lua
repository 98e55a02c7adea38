-- Beginning attempts (a library: claim.lua and finish.lua use it). The score of a claimed revision
-- moves to the end of its attempt's grace: until then nobody takes it, then anybody does: its process
-- is dead.

-- When a newer revision may begin although an older one is in flight: when the older one's post has
-- surely begun (`head_start`). Nil: now.
local function wait_for_order(hash, revision)
  local flying, since = unpack(redis.call('HMGET', hash, 'flying', 'flying_ms'))
  if not flying or tonumber(flying) == revision then return nil end
  local earliest = tonumber(since) + options.head_start
  if earliest > now then return earliest end
end

local function note_lost_attempt(hash, subject, revision)
  local lost = cjson.decode(options.lost_attempt)
  lost.revision = revision
  lost.attempt = tonumber(redis.call('HGET', hash, revision .. ':attempts'))
  lost.at_ms = tonumber(redis.call('HGET', hash, revision .. ':started_ms'))
  redis.call('RPUSH', attempts_key(subject), cjson.encode(lost))
end

-- -> {subject, revision, attempt, tries, call_id, captured_at, content}
local function begin_attempt(subject, revision, content)
  local hash, r = delivery_key(subject), revision .. ':'
  if redis.call('HGET', hash, r .. 'state') == 'posting' then
    note_lost_attempt(hash, subject, revision)
  end
  redis.call('HSETNX', hash, r .. 'first_ms', now)
  local attempt = redis.call('HINCRBY', hash, r .. 'attempts', 1)
  local tries = redis.call('HINCRBY', hash, r .. 'tries', 1)
  redis.call('HSET', hash, r .. 'state', 'posting', r .. 'started_ms', now,
    'flying', revision, 'flying_ms', now)
  redis.call('ZADD', DUE, now + options.grace, member_of(subject, revision))
  local call, captured = unpack(redis.call('HMGET', hash, 'call_id', r .. 'at'))
  return {subject, revision, attempt, tries, call or '', captured or '', content}
end

-- The hash that is the content of a subject as {name, value, ...}, and its revision. Without one
-- ({}, nil) the content is made elsewhere.
local function read_content(subject)
  if options.content == '' then return {}, nil end
  local content = redis.call('HGETALL', string.format(options.content, subject))
  for i = 1, #content, 2 do
    if content[i] == 'revision' then return content, tonumber(content[i + 1]) end
  end
  return content, 0
end

-- Begins the attempt that `member` is due for, or does what is to be done instead (then nil).
local function take(member)
  local subject, revision = subject_and_revision(member)
  local hash = delivery_key(subject)
  local wanted = tonumber(redis.call('HGET', hash, 'wanted'))
  local content, newest = read_content(subject)
  if not wanted then
    redis.call('ZREM', DUE, member)
  elseif options.content ~= '' and #content == 0 then
    conclude(subject, revision, 'erased')
  elseif wanted > revision or (newest or 0) > revision then
    conclude(subject, revision, 'superseded')
  else
    local later = wait_for_order(hash, revision)
    if not later then return begin_attempt(subject, revision, content) end
    redis.call('ZADD', DUE, later, member)
  end
end

-- Takes what is due. -> {attempts, ms until the next look; -1: nothing waits}
local function begin_due(limit)
  local begun = {}
  if limit < 1 then return {begun, -1} end
  local closed_for = breaker_wait()
  if closed_for then
    if closed_for > 0 then return {begun, closed_for} end
    limit = 1
  end
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, 50)) do
    if #begun == limit then return {begun, 0} end
    local attempt = take(member)
    if attempt then
      begun[#begun + 1] = attempt
      if closed_for then note_probe(member) end
    end
  end
  local upcoming = redis.call('ZRANGE', DUE, 0, 0, 'WITHSCORES')
  return {begun, upcoming[2] and math.max(0, tonumber(upcoming[2]) - now) or -1}
end
