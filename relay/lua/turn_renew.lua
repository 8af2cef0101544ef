-- Makes a turn last another lease, if it is still the caller's.
-- KEYS[1] holder: string, the token of whoever has the turn
-- ARGV[1] token: of the caller
-- ARGV[2] lease: milliseconds until the turn ends by itself
-- Returns 1, or 0: the turn is no longer the caller's.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
