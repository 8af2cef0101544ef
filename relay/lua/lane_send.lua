-- Puts messages at the ends of their lanes; each that finds its channel full is refused, and so are those after it in
-- its lane.
-- include lane
-- KEYS[12] sender: string, the last call of whoever sends; so that a call whose answer was lost can be made again
-- KEYS[13...] of each message: its lane, and its channel's ready-set
-- ARGV[1] again: 1 if this very call was made before, and no answer came
-- ARGV[2] call: of this sender, unlike its others
-- ARGV[3...] of each message: id, expiry in milliseconds (0: never), capacity of the channel, target, body
-- Returns the positions, from 1, of the messages that were refused.
local call, refused = string.match(ARGV[1] == '1' and redis.call('GET', KEYS[12]) or '', '^(%S+) (.*)$')
local positions = {}
if call == ARGV[2] then
    for position in string.gmatch(refused, '%d+') do
        positions[#positions + 1] = tonumber(position)
    end
    return positions
end
local room, shut, taken = {}, {}, {}
for i = 1, (#KEYS - 12) / 2 do
    local lane, ready = KEYS[11 + 2 * i], KEYS[12 + 2 * i]
    local id, expiry, capacity, target, body = unpack(ARGV, 5 * i - 2, 5 * i + 2)
    room[ready] = room[ready] or capacity - (redis.call('HGET', waiting, ready) or 0)
    if shut[lane] or room[ready] <= 0 then
        shut[lane] = true
        positions[#positions + 1] = i
    else
        local deadline = expiry == '0' and 0 or now + expiry
        local header = string.format('%s %.0f %.0f %s %s\n', id, now, deadline, ready, target)
        push(lane, ready, table.concat({header, body}))
        room[ready] = room[ready] - 1
        taken[ready] = (taken[ready] or 0) + 1
    end
end
for ready, count in pairs(taken) do
    redis.call('HINCRBY', waiting, ready, count)
    redis.call('HINCRBY', sent, ready, count)
end
redis.call('SET', KEYS[12], table.concat({ARGV[2], ' ', table.concat(positions, ' ')}), 'PX', 120000)
return positions
