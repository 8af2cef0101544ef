-- Counts messages that were refused for good.
-- include lane
-- KEYS[12...] of each message: its channel's ready-list
-- Returns how many there were.
for i = 12, #KEYS do
    redis.call('HINCRBY', full, KEYS[i], 1)
end
return #KEYS - 11
