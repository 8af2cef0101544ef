-- Forgets dead letters.
-- include lane
-- include letter
-- ARGV[1...] ids of messages
-- Returns how many there were.
local discarded = 0
for _, id in ipairs(ARGV) do
    if open(id) then
        discarded = discarded + 1
    end
end
finish()
return discarded
