-- Takes that were given up: each has a number of its own, so one that comes late is known by it.
local function is_late(taken, take)
    local before = tonumber(redis.call('SET', taken, take, 'PX', 600000, 'GET') or 0)
    if before >= tonumber(take) then
        redis.call('SET', taken, before, 'PX', 600000)
        return true
    end
end

-- Gives back what takes have leased whose answers were lost: those after the one that was answered last.
local function forget_unanswered(held, answered, take)
    local lanes = tonumber(answered) + 1 < tonumber(take) and redis.call('HKEYS', held) or {}
    for _, lane in ipairs(lanes) do
        local taken = string.match(redis.call('HGET', held, lane), '^%d+')
        if tonumber(taken) > tonumber(answered) then
            release(held, lane, '', 0)
            settle(lane, front)
        end
    end
end
