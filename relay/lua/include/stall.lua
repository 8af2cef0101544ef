-- Gives everyone the time in which nobody could beat: the server stood still, or its clock jumped.
local function give_time(last, gap, stall)
    for _, list in ipairs({readers, processes, delayed}) do
        for _, member in ipairs((gap < 0 or gap > stall) and redis.call('ZRANGE', list, 0, -1) or {}) do
            redis.call('ZINCRBY', list, gap, member)
        end
        -- Before the first sweep nobody knows for how long it stood still.
        for _, member in ipairs(not last and redis.call('ZRANGE', list, 0, -1) or {}) do
            redis.call('ZADD', list, 'XX', 'GT', now + 2 * stall, member)
        end
    end
end
