-- Puts messages at the end of the queue of each interface process that has members of a group: one body a process.
-- include lane
-- include group
-- KEYS[12] sender: string, the last call of whoever sends; so that a call whose answer was lost is not made twice
-- KEYS[13] group: hash, ready-set of a process ('-': none) → what the group must know to send to it
-- ARGV[1] again: 1 if this very call was made before, and no answer came
-- ARGV[2] call: of this sender, unlike its others
-- ARGV[3] expiry: milliseconds
-- ARGV[4] target: the group, as a process reads it
-- ARGV[5...] of each message: id, body
-- Returns what is left to do: ready-sets of processes on other servers, and ordinary channels; and how many messages
-- found the queue of a process full.
local elsewhere, ordinary, dropped = {}, {}, 0
local repeated = ARGV[1] == '1' and redis.call('GET', KEYS[12]) == ARGV[2]
local count = (#ARGV - 4) / 2
for _, process in ipairs(living(KEYS[13])) do
    local members, lane, ready, capacity = unpack(process)
    if ready == '-' then
        ordinary = redis.call('ZRANGEBYSCORE', members, now, '+inf')
    elseif not lane then
        elsewhere[#elsewhere + 1] = ready
    elseif not repeated and (redis.call('HGET', waiting, ready) or 0) + count > capacity then
        redis.call('HINCRBY', full, ready, count)
        dropped = dropped + count
    elseif not repeated then
        for i = 5, #ARGV, 2 do
            local header = string.format('%s %.0f %.0f %s %s\n', ARGV[i], now, now + ARGV[3], ready, ARGV[4])
            push(lane, ready, table.concat({header, ARGV[i + 1]}))
        end
        redis.call('HINCRBY', waiting, ready, count)
        redis.call('HINCRBY', sent, ready, count)
    end
end
redis.call('SET', KEYS[12], ARGV[2], 'PX', 120000)
return {elsewhere, ordinary, dropped}
