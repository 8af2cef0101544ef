-- Takes the turn if it is free, else puts the message in the line of those who wait for it.
-- KEYS[1] holder: string, the token of whoever has the turn
-- KEYS[2] line: sorted set of waiting messages by their order
-- ARGV[1] token: of the caller
-- ARGV[2] lease: milliseconds until the turn ends by itself
-- ARGV[3] order: score of the message in the line; empty: after all that have one, by time
-- ARGV[4] message: bytes, unlike any other message's
-- ARGV[5] expiry: milliseconds that an abandoned line is kept
-- Returns 1: the turn is the caller's and nobody waits; 2: it is the caller's and the message waits among others;
-- 0: someone else has the turn and the message waits.
local mine = redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
if mine and redis.call('EXISTS', KEYS[2]) == 0 then
    return 1
end
local order = ARGV[3]
if order == '' then
    local now = redis.call('TIME')
    order = now[1] * 1000000 + now[2]
end
redis.call('ZADD', KEYS[2], order, ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return mine and 2 or 0
