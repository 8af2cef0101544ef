-- Takes a turn that has ended by itself while messages wait for it.
-- KEYS[1] holder: string, the token of whoever has the turn
-- KEYS[2] line: sorted set of waiting messages by their order
-- ARGV[1] token: of the caller
-- ARGV[2] lease: milliseconds until the turn ends by itself
-- Returns 1: it is the caller's now; 0: someone has it; -1: nobody waits.
if redis.call('EXISTS', KEYS[2]) == 0 then
    return -1
end
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
