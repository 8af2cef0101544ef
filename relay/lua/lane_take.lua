-- Acknowledges what a reader is done with, and leases it the next messages: one lane of each channel in turn.
-- A message that failed before is taken alone, so that it drags no other down.
-- include lane
-- include lease
-- KEYS[12] held: hash, the reader's lanes
-- KEYS[13...] of each channel: its ready-set and its bell; then the lanes to acknowledge
-- ARGV[1] again: 1 if this very call was made before, and no answer came
-- ARGV[2] take: number of this call, for this reader
-- ARGV[3] limit: messages
-- ARGV[4] lease: milliseconds
-- ARGV[5] channels: how many
-- ARGV[6] company: 1 if the reader has others at hand, so that what failed before must wait
-- ARGV[7...] of each lane to acknowledge: its take, and the last message of it, from 1
-- Returns a list for each lane: lane, deliveries that failed, records; then how many acknowledgements came too late.
local held, take, limit, channels = KEYS[12], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[5])
local lost, lanes, asked, open = 0, {}, {}, {}
redis.call('ZADD', readers, now + ARGV[4], held)
for i = 1, #KEYS - 12 - 2 * channels do
    if acknowledge(held, KEYS[12 + 2 * channels + i], ARGV[5 + 2 * i], tonumber(ARGV[6 + 2 * i])) == 0 then
        lost = lost + 1
    end
end
if ARGV[1] == '1' then
    for _, lane in ipairs(redis.call('HKEYS', held)) do
        local count = leased(held, lane, take)
        if count then
            lanes[#lanes + 1] = {lane, '0', redis.call('LRANGE', lane, 0, count - 1)}
        end
    end
end
for i = 1, channels do
    local ready = KEYS[11 + 2 * i]
    asked[ready], open[i] = true, ready
    if string.sub(ready, -1) == '!' then
        redis.call('ZADD', processes, now + ARGV[4], ready)
    end
end
-- include pick
local found = #lanes > 0
while #open > 0 and limit > 0 and not (found and ARGV[1] == '1') do
    for i = #open, 1, -1 do
        local lane = limit > 0 and redis.call('ZPOPMIN', open[i])[1]
        if lane then
            limit = limit - pick(lane, limit)
        elseif limit > 0 then
            table.remove(open, i)
        end
    end
end
for i = 1, channels do
    local ready, bell = KEYS[11 + 2 * i], KEYS[12 + 2 * i]
    if #lanes == 0 then
        redis.call('HSET', bells, ready, bell)
    elseif redis.call('EXISTS', ready) == 1 then
        ring(ready)
    end
end
lanes[#lanes + 1] = lost
return lanes
