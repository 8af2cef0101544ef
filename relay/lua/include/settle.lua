-- What to do with a lane that nobody holds any more, and with messages that nobody shall have.
-- Channels whose dead letters clients can cause keep no more than LETTERS_LIMIT of relay/layers/policy.py.
local function bury(lane, record, attempts, reason)
    local deadline, _, ready, id = head(record)
    local is_limited = deadline ~= FOREVER or string.find(ready, ':websocket.', 1, true)
    if is_limited and tonumber(redis.call('HGET', dead, ready or 'unreadable') or 0) >= 1000 then
        return false
    end
    local letter = string.format('%s %d %d %d\n', stamp, attempts, #lane, #reason)
    if redis.call('HSETNX', letters, id or redis.sha1hex(record), table.concat({letter, lane, reason, record})) == 1 then
        count(dead, ready or 'unreadable', 1)
    end
    return true
end

-- Drops what has expired, or can't be read, from the front of a lane; returns its first record.
local function first(lane)
    while true do
        local record = redis.call('LINDEX', lane, 0)
        local deadline, _, ready, id = head(record)
        if not record or (id and deadline > stamp) then
            return record, ready, id
        elseif id then
            count(expired, ready, 1)
            count(waiting, ready, -1)
            redis.call('HDEL', tries, id)
        else
            bury(lane, record, 1, 'Its header can not be read')
        end
        redis.call('LPOP', lane)
    end
end

local function settle(lane, at)
    local record, ready = first(lane)
    if record then
        make_ready(ready, lane, at)
    end
end
