-- What a script changes in ready-lists and counts is kept until `finish`: one command for many lanes.
local last, front, sums = {}, {}, {}
local function make_ready(ready, lane, at)
    at[ready] = at[ready] or {}
    table.insert(at[ready], lane)
end

local function count(hash, field, number)
    sums[hash] = sums[hash] or {}
    sums[hash][field] = (sums[hash][field] or 0) + number
end

local function ring(ready)
    local bell = redis.call('HGET', bells, ready)
    if bell and redis.call('LLEN', bell) == 0 then
        redis.call('LPUSH', bell, '1')
    end
end

local function finish(quiet)
    for command, at in pairs({RPUSH = last, LPUSH = front}) do
        for ready, lanes in pairs(at) do
            for i = 1, #lanes, 1000 do
                redis.call(command, ready, unpack(lanes, i, math.min(i + 999, #lanes)))
            end
            if quiet and quiet[ready] then
                quiet[ready] = 'pushed'
            else
                ring(ready)
            end
        end
    end
    for hash, fields in pairs(sums) do
        for field, number in pairs(fields) do
            if number ~= 0 then
                redis.call('HINCRBY', hash, field, number)
            end
        end
    end
    last, front, sums = {}, {}, {}
end

local function push(lane, ready, record)
    -- A leased lane keeps what was taken, so one that was empty is neither leased nor ready.
    if redis.call('RPUSH', lane, record) == 1 then
        make_ready(ready, lane, last)
    end
    count(waiting, ready, 1)
end
