-- Lets a reader keep what it has for another lease.
-- include lane
-- include lease
-- KEYS[12] held: hash, the reader's lanes
-- KEYS[13...] lanes
-- ARGV[1] lease: milliseconds
-- ARGV[2...] of each lane: its take
-- Returns 1 or 0 for each lane: whether the reader still has it.
local still = {}
for i = 1, #KEYS - 12 do
    still[i] = leased(KEYS[12], KEYS[12 + i], ARGV[1 + i]) and 1 or 0
end
if redis.call('EXISTS', KEYS[12]) == 1 then
    redis.call('ZADD', readers, now + ARGV[1], KEYS[12])
end
return still
