-- Adds channels of one interface process to a group, or renews them, and tells the process.
-- Ordinary channels are members too: they belong to the process without a name.
-- include lane
-- KEYS[12] group: hash, ready-list of a process ('-': none) → what the group must know to send to it
-- KEYS[13] members: sorted set, the group's channels of this process by the time when their membership ends
-- KEYS[14] lane: of the process, if it is to be told, and lives on this server
-- ARGV[1] process: its ready-list, or '-'
-- ARGV[2] entry: "members", or "members lane capacity" if the process lives on this server
-- ARGV[3] lease: milliseconds for which a process that was never heard of counts as living
-- ARGV[4] expiry: milliseconds until the memberships end
-- ARGV[5] id: of the message that tells the process
-- ARGV[6] target: of that message
-- ARGV[7...] channels
-- Returns how many of the channels were not members before.
local added = 0
redis.call('ZREMRANGEBYSCORE', KEYS[13], '-inf', now)
for i = 7, #ARGV do
    added = added + redis.call('ZADD', KEYS[13], now + ARGV[4], ARGV[i])
end
redis.call('HSET', KEYS[12], ARGV[1], ARGV[2])
for _, key in ipairs({KEYS[12], KEYS[13]}) do
    if redis.call('PTTL', key) < tonumber(ARGV[4]) then
        redis.call('PEXPIRE', key, ARGV[4] + 1000)
    end
end
if ARGV[1] ~= '-' then
    redis.call('ZADD', processes, 'NX', now + ARGV[3], ARGV[1])
end
if KEYS[14] then
    push(KEYS[14], ARGV[1], stamped(ARGV[4], string.format('%s %s %s\n%s', ARGV[1], ARGV[5], ARGV[6], ARGV[4])))
end
finish()
return added
