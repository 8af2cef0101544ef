-- Lists the members of a group: those of living processes, and ordinary channels.
-- include lane
-- include group
-- KEYS[12] group: hash, ready-list of a process ('-': none) → what the group must know to send to it
-- Returns the channels.
local channels = {}
for _, process in ipairs(living(KEYS[12])) do
    for _, channel in ipairs(redis.call('ZRANGEBYSCORE', process[1], now, '+inf')) do
        channels[#channels + 1] = channel
    end
end
return channels
