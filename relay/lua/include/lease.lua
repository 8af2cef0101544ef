-- What a lease is: an entry "take done size" of a lane in its reader's held-hash. Of the messages that the take gave
-- out, `size` in all, `done` are acknowledged; the others are the first of the lane until they are, too.
local function leased(held, lane, take)
    local lease = redis.call('HGET', held, lane)
    local holder, done, size = string.match(lease or '', '^(%d+) (%d+) (%d+)$')
    if holder and (holder == take or not take) then
        return size - done, tonumber(done), size
    end
end

local function acknowledge(held, lane, take, position)
    local left, done, size = leased(held, lane, take)
    local count = left and math.min(position - done, left)
    if not left then
        return 0
    elseif count <= 0 then
        return 1
    end
    if redis.call('HLEN', tries) > 0 then
        for _, record in ipairs(redis.call('LRANGE', lane, 0, count - 1)) do
            redis.call('HDEL', tries, head(record) or '')
        end
    end
    redis.call('LTRIM', lane, count, -1)
    if count < left then
        redis.call('HSET', held, lane, string.format('%s %d %s', take, position, size))
    else
        redis.call('HDEL', held, lane)
        settle(lane)
    end
    return 1
end

local function release(held, lane, reason, limit)
    for i, record in ipairs(redis.call('LRANGE', lane, 0, leased(held, lane) - 1)) do
        local id, _, _, ready = head(record)
        if id then
            redis.call('HINCRBY', waiting, ready, 1)
        end
        -- The first is what its reader was at; the others wait for it.
        if id and i == 1 and reason ~= '' then
            local attempts = redis.call('HINCRBY', tries, id, 1)
            if attempts >= limit then
                bury(lane, record, attempts, reason)
                redis.call('HDEL', tries, id)
                redis.call('HINCRBY', waiting, ready, -1)
                redis.call('LPOP', lane)
            end
        end
    end
    redis.call('HDEL', held, lane)
end
