-- Acknowledges what a reader is done with, and leases it the next messages: one lane of each channel in turn.
-- A message that failed before is taken alone, so that it drags no other down.
-- include lane
-- include settle
-- include lease
-- include acknowledge
-- KEYS[12] held: hash, the reader's lanes
-- KEYS[13...] of each channel: its ready-list and its bell; then the lanes to acknowledge
-- ARGV[1] again: 1 if this very call was made before, and no answer came
-- ARGV[2] take: number of this call, for this reader
-- ARGV[3] limit: messages
-- ARGV[4] lease: milliseconds
-- ARGV[5] channels: how many
-- ARGV[6] company: 1 if the reader has others at hand, so that what failed before must wait
-- ARGV[7...] of each lane to acknowledge: its entry in the held-hash, how many messages, and the entry that is left
-- Returns a list for each lane: lane, deliveries that failed, records; then how many acknowledgements came too late.
local held, take, limit, channels = KEYS[12], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[5])
local lanes, asked, open = {}, {}, {}
redis.call('ZADD', readers, now + ARGV[4], held)
for i = 1, channels do
    local ready = KEYS[11 + 2 * i]
    asked[ready], open[i] = true, ready
    if string.sub(ready, -1) == '!' then
        redis.call('ZADD', processes, now + ARGV[4], ready)
    end
end
local lost = acknowledge(held, 13 + 2 * channels, 7)
finish(asked)
for _, lane in ipairs(ARGV[1] == '1' and redis.call('HKEYS', held) or {}) do
    local left = leased(held, lane, take)
    if left then
        lanes[#lanes + 1] = {lane, '0', redis.call('LRANGE', lane, 0, left - 1)}
        limit = 0
    end
end
-- include pick
while #open > 0 and limit > 0 do
    for i = #open, 1, -1 do
        local taken, empty = pick(open[i], limit)
        limit = limit - taken
        if empty then
            table.remove(open, i)
        end
    end
    finish(asked)
end
for i = 1, #entries, 1000 do
    redis.call('HSET', held, unpack(entries, i, math.min(i + 999, #entries)))
end
for i = 1, #lanes == 0 and channels or 0 do
    redis.call('HSET', bells, KEYS[11 + 2 * i], KEYS[12 + 2 * i])
end
for _, ready in ipairs(open) do
    if redis.call('EXISTS', ready) == 1 then
        ring(ready)
    end
end
lanes[#lanes + 1] = lost
return lanes
