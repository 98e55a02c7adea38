-- Ends a call once, whoever says so first: its state, the log's last entry and call.ended change
-- together. A lead that is not complete is final with it, and lead.changed sends it as it stands.
-- KEYS call, calls.due, stream calls, call log, lead, stream leads
-- ARGV call_id, how, attempt or '', log_ttl_s, log entry, call.ended, lead.changed
--      (encoded without outcome, duration_ms, at_ms, revision)
-- Answer: {1, outcome} ended now, {0, how} it had ended (how is '' when there is no such call),
--      {-1, ''} another attempt holds it

local call, due, calls, log, lead, leads = unpack(KEYS)
local call_id, how, attempt, log_ttl_s, log_entry, call_ended, lead_changed = unpack(ARGV)
local state, current, started, created, said =
  unpack(redis.call('HMGET', call, 'state', 'attempt', 'started_ms', 'created_ms', 'how'))
if not state then return {0, ''} end
if state == 'ended' then return {0, said} end
if attempt ~= '' and attempt ~= current then return {-1, ''} end

local revision, complete = unpack(redis.call('HMGET', lead, 'revision', 'complete'))
local outcome = 'no_lead'
if revision then outcome = complete == '1' and 'lead_complete' or 'lead_partial' end
local at = now_ms()
local duration = string.format('%.0f', at - (started or created))
redis.call('HSET', call, 'state', 'ended', 'ended_ms', at, 'how', how, 'outcome', outcome,
  'lease_ms', 0)
redis.call('ZREM', due, call_id)

local known = {'outcome', cjson.encode(outcome), 'duration_ms', duration}
emit(calls, call_ended, known)
for i = 1, #known, 2 do log_entry = with_member(log_entry, known[i], known[i + 1]) end
log_entry = with_member(log_entry, 'at_ms', string.format('%.0f', at))
redis.call('XADD', log, '*', 'type', 'ended', 'data', log_entry)
redis.call('EXPIRE', log, log_ttl_s)

if outcome == 'lead_partial' then
  redis.call('HSET', lead, 'final', 1)
  emit(leads, lead_changed, {'revision', revision})
end
return {1, outcome}
