-- Puts dead letters at the ends of the lanes that they came from, as fresh as when they were sent.
-- include lane
-- include letter
-- ARGV[1...] ids of messages; none whose header can't be read
-- Returns how many there were.
local retried = 0
for _, id in ipairs(ARGV) do
    local lane, record = open(id)
    if lane then
        local _, since, deadline, ready = head(record)
        deadline = deadline == 0 and 0 or now + deadline - since
        local rest = string.match(record, '^%S+ %d+ %d+ %S+( .*)$')
        push(lane, ready, table.concat({string.format('%s %.0f %.0f %s', id, now, deadline, ready), rest}))
        redis.call('HINCRBY', waiting, ready, 1)
        retried = retried + 1
    end
end
return retried
