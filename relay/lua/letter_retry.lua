-- Puts dead letters at the ends of the lanes that they came from, as fresh as when they were sent.
-- include lane
-- include letter
-- ARGV[1...] ids of messages; none whose header can't be read
-- Returns how many there were.
local retried = 0
for _, id in ipairs(ARGV) do
    local lane, record = open(id)
    if lane then
        local deadline, since, ready = head(record)
        local expiry = deadline == FOREVER and '0' or string.format('%.0f', deadline - since)
        push(lane, ready, stamped(expiry, string.sub(record, 29)))
        retried = retried + 1
    end
end
finish()
return retried
