-- Acknowledges what a reader is done with, and leases it the next messages: one lane of each channel in turn.
-- A message that failed before is taken alone, so that it drags no other down.
-- include lane
-- include settle
-- include lease
-- include acknowledge
-- include again
-- include drain
-- KEYS[12] held: hash, the reader's lanes
-- KEYS[13] taken: string, number of the reader's last take
-- KEYS[14...] of each channel: its ready-list and its bell; then the lanes to acknowledge
-- ARGV[1] take: number of this call, each of this reader's greater than the one before
-- ARGV[2] answered: number of the last one whose answer has come
-- ARGV[3] limit: messages
-- ARGV[4] lease: milliseconds
-- ARGV[5] channels: how many
-- ARGV[6] company: 1 if the reader has others at hand, so that what failed before must wait
-- ARGV[7...] of each lane to acknowledge: the take that leased it, and how many of its messages are handled
-- Returns a list for each lane: lane, deliveries that failed, records; then how many acknowledgements came too late.
local held, take, limit, channels = KEYS[12], ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[5])
local lanes, asked, open, empty = {}, {}, {}, {}
if is_late(KEYS[13], take) then
    return {0}
end
redis.call('ZADD', readers, now + ARGV[4], held)
for i = 1, channels do
    open[i] = KEYS[12 + 2 * i]
    asked[open[i]] = 'quiet'
end
local lost = acknowledge(held, 14 + 2 * channels, 7)
forget_unanswered(held, ARGV[2], take)
finish(asked)
-- include pick
-- include reopen
local some = redis.call('EXISTS', unpack(open)) > 0
while some and #open > 0 and limit > 0 do
    for i = #open, 1, -1 do
        limit = limit - pick(open[i], limit)
        if empty[open[i]] then
            table.remove(open, i)
        end
    end
    finish(asked)
    reopen(open, asked)
end
for i = 1, #entries, 1000 do
    redis.call('HSET', held, unpack(entries, i, math.min(i + 999, #entries)))
end
if #lanes == 0 then -- Who finds nothing will listen.
    redis.call('HSET', bells, unpack(KEYS, 14, 13 + 2 * channels))
end
for ready, state in pairs(some and asked or {}) do
    -- What is left is for another reader, or for the next take.
    if (state == 'pushed' or not empty[ready]) and redis.call('EXISTS', ready) == 1 then
        ring(ready)
    end
end
lanes[#lanes + 1] = lost
return lanes
