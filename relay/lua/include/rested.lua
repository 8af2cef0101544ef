-- Lets lanes be taken that have rested.
for _, lane in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', now)) do
    redis.call('ZREM', delayed, lane)
    settle(lane, front)
end
