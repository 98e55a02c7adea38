-- Begins attempts at what is due. Nobody else is given them until their grace is over.
-- KEYS due, parked, dead, index, destination, alerted (common.lua)
-- ARGV options (common.lua), how many at most
-- Answer: {attempts (see begin_attempt), ms until the next look; -1: nothing waits}

return begin_due(tonumber(ARGV[2]))
