-- Takes leave of readers and interface processes that end in good order: what they have is free at once.
-- include lane
-- include settle
-- include lease
-- include drain
-- KEYS[12...] held-hashes of the readers, then ready-lists of the processes
-- ARGV[1] readers: how many
-- Returns how many lanes were given back.
local released = 0
for i = 12, #KEYS do
    if i - 11 > tonumber(ARGV[1]) then
        redis.call('ZREM', processes, KEYS[i])
    else
        released = released + dismiss(KEYS[i], '', 0)
    end
end
finish()
return released
