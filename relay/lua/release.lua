-- Gives the prefix up when the last process of its deployment has taken leave.
-- include lane
-- KEYS[12] deployment: string, the identity of the one that has the prefix
-- ARGV[1] identity of the deployment whose process ends
-- Returns whether the prefix is given up.
local living = redis.call('ZCOUNT', readers, now, '+inf') + redis.call('ZCOUNT', processes, now, '+inf')
if living == 0 and redis.call('GET', KEYS[12]) == ARGV[1] then
    return redis.call('DEL', KEYS[12])
end
return 0
