-- Ends a reader's leases with the messages in their places, at once or after a rest.
-- include lane
-- include settle
-- include lease
-- include drain
-- KEYS[12] held: hash, the reader's lanes
-- KEYS[13...] lanes
-- ARGV[1] reason: why the first message of each failed; empty: it did not
-- ARGV[2] delay: milliseconds for which the lanes rest
-- ARGV[3] limit: failed deliveries after which a message is a dead letter
-- ARGV[4...] of each lane: its take
-- Returns how many lanes the reader no longer had.
local lost = 0
for i = 1, #KEYS - 12 do
    local lane = KEYS[12 + i]
    if not leased(KEYS[12], lane, ARGV[3 + i]) then
        lost = lost + 1
    else
        release(KEYS[12], lane, ARGV[1], tonumber(ARGV[3]))
        if ARGV[2] == '0' then
            settle(lane, front)
        elseif redis.call('EXISTS', lane) == 1 then
            redis.call('ZADD', delayed, now + ARGV[2], lane)
        end
    end
end
finish()
return lost
