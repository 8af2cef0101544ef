-- What the scripts of the Redis layer share: the keys that every one of them is given first, and what a lane is.
-- A record is "deadline sent ready-list id target", a line break, and the body. Both times have thirteen digits.
-- KEYS[1] readers: sorted set, the held-hash of each living reader by the time when its leases end
-- KEYS[2] processes: sorted set, the ready-list of each living interface process by the time when it counts as dead
-- KEYS[3] waiting: hash, ready-list → messages in it that nobody has taken
-- KEYS[4] sent: hash, ready-list → messages ever sent
-- KEYS[5] full: hash, ready-list → messages refused
-- KEYS[6] expired: hash, ready-list → messages dropped because they expired
-- KEYS[7] dead: hash, ready-list → dead letters
-- KEYS[8] letters: hash, message id → dead letter
-- KEYS[9] tries: hash, message id → deliveries that failed
-- KEYS[10] bells: hash, ready-list → the list that whoever waits for it listens to
-- KEYS[11] delayed: sorted set, lanes that rest by the time when they may be taken again
local readers, processes, waiting, sent, full, expired = unpack(KEYS, 1, 6)
local dead, letters, tries, bells, delayed = unpack(KEYS, 7, 11)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local stamp, FOREVER = string.format('%s%03d', time[1], time[2] / 1000), '9999999999999'

-- The rest of a record is "ready-list id target\nbody".
local prefixes = {}
local function stamped(expiry, rest)
    if not prefixes[expiry] then
        local deadline = expiry == '0' and FOREVER or string.format('%.0f', now + expiry)
        prefixes[expiry] = string.format('%s %s ', deadline, stamp)
    end
    return prefixes[expiry] .. rest
end

local function head(record)
    return string.match(record or '', '^(%d+) (%d+) (%S+) (%S+) ')
end

local function alive(record)
    return string.sub(record, 1, 13) > stamp
end

-- include ready
