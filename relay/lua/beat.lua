-- Tells that readers and interface processes live.
-- include lane
-- include drain
-- include hold
-- KEYS[12] epoch: string, made up anew when the server has lost its data
-- KEYS[13] deployment: string, the identity of the one that has the prefix
-- KEYS[14...] held-hashes of the readers, then ready-lists of the processes
-- ARGV[1] lease: milliseconds
-- ARGV[2] candidate: the epoch, if there is none
-- ARGV[3] readers: how many
-- ARGV[4] identity of the process's deployment; empty if it is not known
-- ARGV[5] milliseconds that a claim lasts
-- Returns the epoch, how many of the processes did not count as living, the server's time in milliseconds, and the
-- identity of the deployment that has the prefix; empty if the process has told none.
redis.call('SET', KEYS[12], ARGV[2], 'NX')
local missing = 0
for i = 14, #KEYS do
    local list = i - 13 <= tonumber(ARGV[3]) and readers or processes
    if list == processes and tonumber(redis.call('ZSCORE', processes, KEYS[i]) or 0) <= now then
        missing = missing + 1
    end
    redis.call('ZADD', list, now + ARGV[1], KEYS[i])
end
local holder = ARGV[4] ~= '' and hold(KEYS[13], ARGV[4], ARGV[5]) or ''
return {redis.call('GET', KEYS[12]), missing, now, holder}
