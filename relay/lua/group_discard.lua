-- Removes a channel from a group, and tells its interface process.
-- include lane
-- KEYS[12] group: hash, ready-list of a process ('-': none) → what the group must know to send to it
-- KEYS[13] members: sorted set, the group's channels of this process by the time when their membership ends
-- KEYS[14] lane: of the process, if it lives on this server
-- ARGV[1] process: its ready-list, or '-'
-- ARGV[2] channel: to remove
-- ARGV[3] expiry: milliseconds until the message that tells the process expires
-- ARGV[4] id: of that message
-- ARGV[5] target: of that message
-- Returns 1, or 0 if the channel was no member.
local removed = redis.call('ZREM', KEYS[13], ARGV[2])
if redis.call('EXISTS', KEYS[13]) == 0 then
    redis.call('HDEL', KEYS[12], ARGV[1])
end
if KEYS[14] then
    push(KEYS[14], ARGV[1], stamped(ARGV[3], string.format('%s %s %s\n', ARGV[1], ARGV[4], ARGV[5])))
end
finish()
return removed
