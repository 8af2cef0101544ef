-- Ends leases, or parts of them. The lanes are KEYS[from] to the last; ARGV has for each, from `at` on: the take that leased
-- it, and how many of its messages are handled by now. What is known is no news, so a call may come twice, or late.
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

-- Of a lease that the reader no longer has, `lost` is one more.
local function acknowledge(held, from, at)
    local lost, ended, empty = 0, {}, {}
    local entries = #KEYS >= from and redis.call('HMGET', held, unpack(KEYS, from)) or {}
    for i, entry in ipairs(entries) do
        local lane, known, upto = KEYS[from + i - 1], ARGV[at + 2 * i - 2], tonumber(ARGV[at + 2 * i - 1])
        local take, done, size = string.match(entry or '', '^(%d+) (%d+) (%d+)$')
        if take ~= known then
            lost = lost + 1
        elseif upto > tonumber(done) then
            if some_failed then
                forget_tries(lane, upto - done)
            end
            local more = remove(lane, upto - done, empty)
            if upto < tonumber(size) then
                redis.call('HSET', held, lane, string.format('%s %d %s', take, upto, size))
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
