-- What a lease is: an entry "take done size" of a lane in its reader's held-hash. Of the messages that the take gave
-- out, `size` in all, `done` are acknowledged; the others are the first of the lane until they are, too.
local function leased(held, lane, take)
    local holder, done, size = string.match(redis.call('HGET', held, lane) or '', '^(%d+) (%d+) (%d+)$')
    if holder and (holder == take or not take) then
        return size - done, tonumber(done), size
    end
end

local function release(held, lane, reason, limit)
    for i, record in ipairs(redis.call('LRANGE', lane, 0, leased(held, lane) - 1)) do
        local _, _, ready, id = head(record)
        if id then
            count(waiting, ready, 1)
        end
        -- The first is what its reader was at; the others wait for it.
        if id and i == 1 and reason ~= '' then
            local attempts = redis.call('HINCRBY', tries, id, 1)
            if attempts >= limit then
                bury(lane, record, attempts, reason)
                redis.call('HDEL', tries, id)
                count(waiting, ready, -1)
                redis.call('LPOP', lane)
            end
        end
    end
    redis.call('HDEL', held, lane)
end

-- Ends a reader with all its leases; returns how many lanes it had.
local function dismiss(held, reason, limit)
    local lanes = redis.call('HKEYS', held)
    for _, lane in ipairs(lanes) do
        release(held, lane, reason, limit)
        settle(lane, front)
    end
    redis.call('DEL', held)
    redis.call('ZREM', readers, held)
    return #lanes
end
