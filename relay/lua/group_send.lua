-- Puts messages at the ends of the queues of the interface processes that have members of their groups: one body a process.
-- include lane
-- include group
-- KEYS[12] sender: string, the last call of whoever sends; so that a call whose answer was lost is not made twice
-- KEYS[13...] groups: hashes, ready-list of a process ('-': none) → what the group must know to send to it
-- ARGV[1] call: number, each of this sender's greater than the one before
-- ARGV[2] expiry: milliseconds
-- ARGV[3] groups: how many
-- ARGV[4...] of each message: which group, from 1, and what comes after the ready-list in its record
-- Returns for each group what is left to do: ready-lists of processes on other servers, and ordinary channels; and how
-- many messages found the queue of a process full.
local before = string.match(redis.call('GET', KEYS[12]) or '0', '^%d+')
local repeated = tonumber(before) >= tonumber(ARGV[1])
local answers, here, room = {}, {}, {}

for i = 1, tonumber(ARGV[3]) do
    local elsewhere, ordinary = {}, {}
    here[i] = {}
    for _, process in ipairs(living(KEYS[12 + i])) do
        local members, lane, ready, capacity = unpack(process)
        if ready == '-' then
            ordinary = redis.call('ZRANGEBYSCORE', members, now, '+inf')
        elseif not lane then
            elsewhere[#elsewhere + 1] = ready
        elseif not repeated then
            table.insert(here[i], {lane, ready})
            room[ready] = room[ready] or capacity - (redis.call('HGET', waiting, ready) or 0)
        end
    end
    answers[i] = {elsewhere, ordinary, 0}
end
for i = 4, #ARGV, 2 do
    local group = tonumber(ARGV[i])
    for _, process in ipairs(here[group]) do
        local lane, ready = unpack(process)
        if room[ready] > 0 then
            push(lane, ready, stamped(ARGV[2], table.concat({ready, ' ', ARGV[i + 1]})))
            count(sent, ready, 1)
            room[ready] = room[ready] - 1
        else
            count(full, ready, 1)
            answers[group][3] = answers[group][3] + 1
        end
    end
end
finish()
if not repeated then
    redis.call('SET', KEYS[12], string.format('%s ', ARGV[1]), 'PX', 600000)
end
return answers
