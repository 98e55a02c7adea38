-- Begins attempts at what is due. Nobody else is given them until their grace is over.
-- KEYS, ARGV 1: see common.lua   ARGV 2 how many at most
-- -> {attempts (see begin_attempt), ms until the next look; -1: nothing waits}
return begin_due(tonumber(ARGV[2]))
