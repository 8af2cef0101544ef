-- Makes a taken message a dead letter; it stays in its lane until it is acknowledged, which can happen here as well.
-- include lane
-- include lease
-- KEYS[12] held: hash, the reader's lanes
-- KEYS[13] lane: list
-- ARGV[1] take: of the lane
-- ARGV[2] position: of the message among those taken, from 1
-- ARGV[3] reason: text
-- ARGV[4] acknowledge: 1 to acknowledge the lane up to this message
-- Returns 1, or 0 if the reader no longer had the lane.
local left, done = leased(KEYS[12], KEYS[13], ARGV[1])
local place = left and ARGV[2] - done
if not left or place < 1 or place > left then
    return 0
end
local record = redis.call('LINDEX', KEYS[13], place - 1)
local attempts = redis.call('HGET', tries, head(record) or '') or 0
bury(KEYS[13], record, attempts + 1, ARGV[3])
if ARGV[4] == '1' then
    acknowledge(KEYS[12], KEYS[13], ARGV[1], tonumber(ARGV[2]))
end
return 1
