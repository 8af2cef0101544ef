-- Puts messages at the end of the queue of each interface process that has members of a group: one body a process.
-- include lane
-- include group
-- KEYS[12] sender: string, the last call of whoever sends; so that a call whose answer was lost is not made twice
-- KEYS[13] group: hash, ready-list of a process ('-': none) → what the group must know to send to it
-- ARGV[1] call: number, each of this sender's greater than the one before
-- ARGV[2] expiry: milliseconds
-- ARGV[3...] of each message: what comes after the ready-list in its record
-- Returns what is left to do: ready-lists of processes on other servers, and ordinary channels; and how many messages
-- found the queue of a process full.
local elsewhere, ordinary, dropped = {}, {}, 0
local before = string.match(redis.call('GET', KEYS[12]) or '0', '^%d+')
local repeated = tonumber(before) >= tonumber(ARGV[1])
local number = #ARGV - 2
for _, process in ipairs(living(KEYS[13])) do
    local members, lane, ready, capacity = unpack(process)
    if ready == '-' then
        ordinary = redis.call('ZRANGEBYSCORE', members, now, '+inf')
    elseif not lane then
        elsewhere[#elsewhere + 1] = ready
    elseif not repeated then
        local room = math.max(0, math.min(number, capacity - (redis.call('HGET', waiting, ready) or 0)))
        for i = 3, 2 + room do
            push(lane, ready, stamped(ARGV[2], table.concat({ready, ' ', ARGV[i]})))
        end
        count(sent, ready, room)
        count(full, ready, number - room)
        dropped = dropped + number - room
    end
end
finish()
redis.call('SET', KEYS[12], string.format('%s ', ARGV[1]), 'PX', 600000)
return {elsewhere, ordinary, dropped}
