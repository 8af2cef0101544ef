-- Gives the holder the next waiting message, or ends its turn if nobody waits.
-- KEYS[1] holder: string, the token of whoever has the turn
-- KEYS[2] line: sorted set of waiting messages by their order
-- ARGV[1] token: of the caller
-- ARGV[2] lease: milliseconds until the turn ends by itself
-- Returns the message, or nothing: the turn is over (it was given back, or had ended by itself before).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return false
end
local first = redis.call('ZPOPMIN', KEYS[2])
if #first == 0 then
    redis.call('DEL', KEYS[1])
    return false
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return first[1]
