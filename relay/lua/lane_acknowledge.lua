-- Removes what a reader is done with from the fronts of its lanes, and ends the leases of which nothing is left.
-- include lane
-- include lease
-- KEYS[12] held: hash, the reader's lanes
-- KEYS[13...] lanes
-- ARGV[1...] of each lane: its take, and the last message of it, from 1
-- Returns how many lanes the reader no longer had.
local lost = 0
for i = 1, #KEYS - 12 do
    if acknowledge(KEYS[12], KEYS[12 + i], ARGV[2 * i - 1], tonumber(ARGV[2 * i])) == 0 then
        lost = lost + 1
    end
end
return lost
