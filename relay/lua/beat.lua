-- Tells that readers and interface processes live.
-- include lane
-- include drain
-- KEYS[12] epoch: string, made up anew when the server has lost its data
-- KEYS[13...] held-hashes of the readers, then ready-lists of the processes
-- ARGV[1] lease: milliseconds
-- ARGV[2] candidate: the epoch, if there is none
-- ARGV[3] readers: how many
-- Returns the epoch, how many of the processes did not count as living, and the server's time in milliseconds.
redis.call('SET', KEYS[12], ARGV[2], 'NX')
local missing = 0
for i = 13, #KEYS do
    local list = i - 12 <= tonumber(ARGV[3]) and readers or processes
    if list == processes and tonumber(redis.call('ZSCORE', processes, KEYS[i]) or 0) <= now then
        missing = missing + 1
    end
    redis.call('ZADD', list, now + ARGV[1], KEYS[i])
end
return {redis.call('GET', KEYS[12]), missing, now}
