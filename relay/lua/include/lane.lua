-- What the scripts of the Redis layer share: the keys that every one of them is given first, and what a lane is.
-- KEYS[1] readers: sorted set, the held-hash of each living reader by the time when its leases end
-- KEYS[2] processes: sorted set, the ready-set of each living interface process by the time when it counts as dead
-- KEYS[3] waiting: hash, ready-set → messages in it that nobody has taken
-- KEYS[4] sent: hash, ready-set → messages ever sent
-- KEYS[5] full: hash, ready-set → messages refused
-- KEYS[6] expired: hash, ready-set → messages dropped because they expired
-- KEYS[7] dead: hash, ready-set → dead letters
-- KEYS[8] letters: hash, message id → dead letter
-- KEYS[9] tries: hash, message id → deliveries that failed
-- KEYS[10] bells: hash, ready-set → the list that whoever waits for it listens to
-- KEYS[11] delayed: sorted set, lanes that rest by the time when they may be taken again
local readers, processes, waiting, sent, full, expired = unpack(KEYS, 1, 6)
local dead, letters, tries, bells, delayed = unpack(KEYS, 7, 11)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function head(record)
    local id, since, deadline, ready = string.match(record, '^(%S+) (%d+) (%d+) (%S+) ')
    return id, tonumber(since), tonumber(deadline), ready
end

local rung = {}
local function ring(ready)
    local bell = not rung[ready] and redis.call('HGET', bells, ready)
    rung[ready] = true
    if bell and redis.call('LLEN', bell) == 0 then
        redis.call('LPUSH', bell, '1')
    end
end

local function push(lane, ready, record)
    -- A leased lane keeps what was taken, so one that was empty is neither leased nor ready.
    if redis.call('RPUSH', lane, record) == 1 then
        redis.call('ZADD', ready, now, lane)
        ring(ready)
    end
end

local function bury(lane, record, attempts, reason)
    local id, _, _, ready = head(record)
    local letter = string.format('%.0f %d %d %d\n', now, attempts, #lane, #reason)
    if redis.call('HSETNX', letters, id or redis.sha1hex(record), table.concat({letter, lane, reason, record})) == 1 then
        redis.call('HINCRBY', dead, ready or 'unreadable', 1)
    end
end

local function first(lane)
    while true do
        local record = redis.call('LINDEX', lane, 0)
        local id, since, deadline, ready = head(record or '')
        if not record or (id and (deadline == 0 or deadline > now)) then
            return record, id, since, ready
        elseif id then
            redis.call('HINCRBY', expired, ready, 1)
            redis.call('HINCRBY', waiting, ready, -1)
            redis.call('HDEL', tries, id)
        else
            bury(lane, record, 1, 'Its header can not be read')
        end
        redis.call('LPOP', lane)
    end
end

local function settle(lane)
    local record, _, since, ready = first(lane)
    if record then
        redis.call('ZADD', ready, since, lane)
        ring(ready)
    end
end
