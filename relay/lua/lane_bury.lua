-- Makes a taken message a dead letter. It stays in its lane until it is acknowledged.
-- include lane
-- include settle
-- include lease
-- KEYS[12] held: hash, the reader's lanes
-- KEYS[13] lane: list
-- ARGV[1] take: of the lane
-- ARGV[2] position: of the message among those taken, from 1
-- ARGV[3] reason: text
-- Returns 1; 0 if the reader no longer had the message; -1 if there are too many dead letters of its channel.
local left, done = leased(KEYS[12], KEYS[13], ARGV[1])
local place = left and ARGV[2] - done
if not left or place < 1 or place > left then
    return 0
end
local record = redis.call('LINDEX', KEYS[13], place - 1)
local _, _, _, id = head(record)
local kept = bury(KEYS[13], record, (redis.call('HGET', tries, id or '') or 0) + 1, ARGV[3])
finish()
return kept and 1 or -1
