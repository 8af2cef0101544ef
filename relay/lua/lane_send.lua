-- Puts messages at the ends of their lanes; each that finds its channel full is refused, and so are those after it in
-- its lane.
-- include lane
-- KEYS[12] sender: string, the last call of whoever sends; so that a call whose answer was lost can be made again, and
-- one that was given up and comes late does nothing
-- KEYS[13...] ready-lists of the channels; then the lane of each message
-- ARGV[1] call: number, each of this sender's greater than the one before
-- ARGV[2] channels: how many
-- ARGV[3...] of each channel: expiry in milliseconds (0: never), capacity, and how many messages may wait in a lane however
-- full it is; then of each message: which channel, from 1, and its record after the times
-- Returns the positions, from 1, of the messages that were refused.
local call, refused = string.match(redis.call('GET', KEYS[12]) or '0 ', '^(%d+) (.*)$')
local positions = {}
if tonumber(call) >= tonumber(ARGV[1]) then
    for position in string.gmatch(refused, '%d+') do
        positions[#positions + 1] = tonumber(position)
    end
    return positions
end
local channels, shut, room = tonumber(ARGV[2]), {}, {}
for i = 1, channels do
    room[i] = ARGV[1 + 3 * i] - (redis.call('HGET', waiting, KEYS[12 + i]) or 0)
end
for i = 1, #KEYS - 12 - channels do
    local lane = KEYS[12 + channels + i]
    local channel, rest = tonumber(ARGV[1 + 3 * channels + 2 * i]), ARGV[2 + 3 * channels + 2 * i]
    local share = tonumber(ARGV[2 + 3 * channel])
    if shut[lane] or (room[channel] <= 0 and (share == 0 or redis.call('LLEN', lane) >= share)) then
        shut[lane] = true
        positions[#positions + 1] = i
    else
        local ready = KEYS[12 + channel]
        push(lane, ready, stamped(ARGV[3 * channel], rest))
        count(sent, ready, 1)
        room[channel] = room[channel] - 1
    end
end
finish()
redis.call('SET', KEYS[12], table.concat({ARGV[1], ' ', table.concat(positions, ' ')}), 'PX', 600000)
return positions
