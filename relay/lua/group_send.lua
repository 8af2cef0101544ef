-- Puts messages at the end of the queue of each interface process that has members of a group: one body a process.
-- include lane
-- include group
-- KEYS[12] sender: string, the last call of whoever sends; so that a call whose answer was lost is not made twice
-- KEYS[13] group: hash, ready-list of a process ('-': none) → what the group must know to send to it
-- ARGV[1] again: 1 if this very call was made before, and no answer came
-- ARGV[2] call: of this sender, unlike its others
-- ARGV[3] expiry: milliseconds
-- ARGV[4...] of each message: what comes after the ready-list in its record
-- Returns what is left to do: ready-lists of processes on other servers, and ordinary channels; and how many messages
-- found the queue of a process full.
local elsewhere, ordinary, dropped = {}, {}, 0
local repeated = ARGV[1] == '1' and redis.call('GET', KEYS[12]) == ARGV[2]
local number = #ARGV - 3
for _, process in ipairs(living(KEYS[13])) do
    local members, lane, ready, capacity = unpack(process)
    if ready == '-' then
        ordinary = redis.call('ZRANGEBYSCORE', members, now, '+inf')
    elseif not lane then
        elsewhere[#elsewhere + 1] = ready
    elseif not repeated and (redis.call('HGET', waiting, ready) or 0) + number > capacity then
        count(full, ready, number)
        dropped = dropped + number
    elseif not repeated then
        for i = 4, #ARGV do
            push(lane, ready, stamped(ARGV[3], table.concat({ready, ' ', ARGV[i]})))
        end
        count(sent, ready, number)
    end
end
finish()
redis.call('SET', KEYS[12], ARGV[2], 'PX', 120000)
return {elsewhere, ordinary, dropped}
