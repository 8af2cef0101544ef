-- Leases the first messages of a lane, as far as they are of the channels asked for; returns what that takes of the
-- room. A long run ends after about four megabytes.
local function pick(lane, room)
    local record, first_id, since, first_ready = first(lane)
    local failed = record and redis.call('HGET', tries, first_id)
    if not record then
        return 0
    elseif not asked[first_ready] or (failed and (#lanes > 0 or ARGV[6] == '1')) then
        redis.call('ZADD', first_ready, since, lane)
        ring(first_ready)
        return asked[first_ready] and room or 0
    end
    local found = (failed or room == 1) and {record} or redis.call('LRANGE', lane, 0, room - 1)
    local records, counts, size = {}, {}, 0
    for i, candidate in ipairs(found) do
        local id, _, deadline, ready = head(candidate)
        size = size + #candidate
        if not id or not asked[ready] or (deadline > 0 and deadline <= now) or (i > 1 and size > 4000000) then
            break
        end
        records[i] = candidate
        counts[ready] = (counts[ready] or 0) + 1
    end
    for ready, count in pairs(counts) do
        redis.call('HINCRBY', waiting, ready, -count)
    end
    redis.call('HSET', held, lane, string.format('%s 0 %d', take, #records))
    lanes[#lanes + 1] = {lane, failed or '0', records}
    return failed and room or #records
end
