-- Gives everyone the time in which nobody could beat: the server stood still, or its clock jumped; at most a lease.
local function give_time(swept, gap, stall)
    local enough = now + 2 * stall
    for _, list in ipairs(swept and gap >= 0 and gap <= stall and {} or {readers, processes}) do
        for _, member in ipairs(redis.call('ZRANGE', list, 0, -1)) do
            local score = tonumber(redis.call('ZSCORE', list, member))
            if gap < 0 then
                score = math.min(score, enough)
            elseif swept then
                score = math.max(score, math.min(score + gap, enough))
            else
                -- Before the first sweep nobody knows for how long it stood still.
                score = math.max(score, enough)
            end
            redis.call('ZADD', list, score, member)
        end
    end
    -- What rests would rest until the clock is there again.
    for _, lane in ipairs(gap < 0 and redis.call('ZRANGE', delayed, 0, -1) or {}) do
        redis.call('ZINCRBY', delayed, gap, lane)
    end
end

-- Forgets interface processes that are gone, with what waits for them.
local function bury_processes()
    for _, ready in ipairs(redis.call('ZRANGEBYSCORE', processes, '-inf', now)) do
        for _, lane in ipairs(redis.call('LRANGE', ready, 0, -1)) do
            redis.call('HINCRBY', expired, ready, redis.call('LLEN', lane))
            redis.call('UNLINK', lane)
        end
        redis.call('UNLINK', ready)
        redis.call('HDEL', waiting, ready)
        redis.call('ZREM', processes, ready)
    end
end
