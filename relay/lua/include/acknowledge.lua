-- Ends leases, or parts of them. The lanes are KEYS[from] to the last; ARGV has for each, from `at` on: its entry in the
-- held-hash, how many messages to remove, and the entry that is left; empty: the lease ends.
local some_failed = redis.call('EXISTS', tries) == 1

local function forget_tries(lane, number)
    for _, record in ipairs(redis.call('LRANGE', lane, 0, number - 1)) do
        local _, _, _, id = head(record)
        redis.call('HDEL', tries, id or '')
    end
end

local function remove(lane, number, ended)
    if redis.call('LLEN', lane) == number then
        table.insert(ended, lane)
    else
        redis.call('LTRIM', lane, number, -1)
        return true
    end
end

-- How many messages are to go where the entry is not what the reader thought: an earlier call came later, or again.
local function missing(entry, known, left)
    local take, done, size = string.match(entry or '', '^(%d+) (%d+) (%d+)$')
    if take and take == string.match(known, '^%d+') then
        return math.max(0, (string.match(left, '^%d+ (%d+)') or size) - done)
    end
end

local function acknowledge(held, from, at)
    local lost, ended, empty = 0, {}, {}
    local entries = #KEYS >= from and redis.call('HMGET', held, unpack(KEYS, from)) or {}
    for i, entry in ipairs(entries) do
        local lane, known, number, left = KEYS[from + i - 1], unpack(ARGV, at + 3 * i - 3, at + 3 * i - 1)
        number = entry == known and tonumber(number) or missing(entry, known, left)
        lost = lost + (number and 0 or 1)
        if number and number > 0 then
            if some_failed then
                forget_tries(lane, number)
            end
            local more = remove(lane, number, empty)
            if left ~= '' then
                redis.call('HSET', held, lane, left)
            else
                ended[#ended + 1] = lane
                if more then
                    settle(lane, last)
                end
            end
        end
    end
    if #ended > 0 then
        redis.call('HDEL', held, unpack(ended))
    end
    if #empty > 0 then
        redis.call('DEL', unpack(empty))
    end
    return lost
end
