-- Counts what is in each channel.
-- include lane
-- include lease
-- Returns the time, and of each channel: ready-list, waiting, sent, full, expired, dead, in flight, and the time when the
-- oldest waiting message was sent (0: none waits; of many lanes the first hundred are looked at).
local flying, oldest, seen, answer = {}, {}, {}, {now}
local function note(ready, since)
    oldest[ready] = math.min(oldest[ready] or since, since)
end
for _, held in ipairs(redis.call('ZRANGE', readers, 0, -1)) do
    for _, lane in ipairs(redis.call('HKEYS', held)) do
        local count = leased(held, lane)
        for i, record in ipairs(redis.call('LRANGE', lane, 0, count)) do
            local _, since, ready = head(record)
            if i <= count and ready then
                flying[ready] = (flying[ready] or 0) + 1
            elseif ready then
                note(ready, tonumber(since))
            end
        end
    end
end
for kind = 3, 7 do
    for _, ready in ipairs(redis.call('HKEYS', KEYS[kind])) do
        seen[ready] = true
    end
end
for ready in pairs(seen) do
    for _, lane in ipairs(redis.call('LRANGE', ready, 0, 99)) do
        local _, since = head(redis.call('LINDEX', lane, 0))
        note(ready, tonumber(since) or now)
    end
    local row = {ready}
    for kind = 3, 7 do
        row[#row + 1] = tonumber(redis.call('HGET', KEYS[kind], ready) or 0)
    end
    row[#row + 1] = flying[ready] or 0
    row[#row + 1] = oldest[ready] or 0
    answer[#answer + 1] = row
end
return answer
