-- Cleans up: ends the leases of the dead, drops what has expired, wakes lanes that have rested. One process does it at
-- a time. Who could not beat while the server stood still, or its clock jumped, is given that time.
-- include lane
-- include settle
-- include lease
-- include stall
-- include drain
-- KEYS[12] swept: string, the time of the last sweep
-- ARGV[1] pause: milliseconds between two sweeps
-- ARGV[2] stall: milliseconds without a sweep after which the server must have stood still
-- ARGV[3] limit: failed deliveries after which a message is a dead letter
-- ARGV[4] batch: lanes looked at per channel
-- Returns how many lanes were taken from dead readers; -1 if the last sweep is too fresh.
local swept = redis.call('GET', KEYS[12])
local gap = now - (swept or now)
if swept and gap >= 0 and gap < tonumber(ARGV[1]) then
    return -1
end
redis.call('SET', KEYS[12], now)
give_time(swept, gap, tonumber(ARGV[2]))
local released = 0
for _, held in ipairs(redis.call('ZRANGEBYSCORE', readers, '-inf', now)) do
    released = released + dismiss(held, 'Whoever took it died, each time', tonumber(ARGV[3]))
end
-- include rested
finish()
bury_processes()
for _, ready in ipairs(redis.call('HKEYS', waiting)) do
    local lane = redis.call('LINDEX', ready, 0)
    for _ = 1, ARGV[4] do
        local record = lane and redis.call('LINDEX', lane, 0)
        if not lane or (record and alive(record)) then
            break
        end
        settle(redis.call('LPOP', ready), last)
        lane = redis.call('LINDEX', ready, 0)
    end
    local named_at_random = string.find(ready, '[!?]') and not redis.call('ZSCORE', processes, ready)
    if named_at_random and tonumber(redis.call('HGET', waiting, ready)) <= 0 then
        for i = 3, 7 do
            redis.call('HDEL', KEYS[i], ready)
        end
        redis.call('DEL', redis.call('HGET', bells, ready) or ready)
        redis.call('HDEL', bells, ready)
    end
end
finish()
return released
