-- Removes what a reader is done with from the fronts of its lanes, and ends the leases of which nothing is left.
-- include lane
-- include settle
-- include acknowledge
-- include drain
-- KEYS[12] held: hash, the reader's lanes
-- KEYS[13...] lanes
-- ARGV[1...] of each lane: the take that leased it, and how many of its messages are handled
-- Returns how many lanes the reader no longer had.
local lost = acknowledge(KEYS[12], 13, 1)
finish()
return lost
