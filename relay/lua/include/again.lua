-- Takes that are made again because their answer was lost, and those that were given up and come late.
local function is_late(taken, take, again)
    local before = tonumber(redis.call('SET', taken, take, 'PX', 600000, 'GET') or 0)
    if before > tonumber(take) or (before == tonumber(take) and again ~= '1') then
        redis.call('SET', taken, before, 'PX', 600000)
        return true
    end
end

-- What an earlier call has leased under this number.
local function leased_before(held, take)
    local lanes = {}
    for _, lane in ipairs(redis.call('HKEYS', held)) do
        local left = leased(held, lane, take)
        if left then
            local records = redis.call('LRANGE', lane, 0, left - 1)
            local _, _, _, id = head(records[1])
            lanes[#lanes + 1] = {lane, redis.call('HGET', tries, id or '') or '0', records}
        end
    end
    return lanes
end
