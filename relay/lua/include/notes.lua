-- Those that live, as pairs of name and report; the others are forgotten.
local function living()
    local found = {}
    local entries = redis.call('HGETALL', KEYS[12])
    for i = 1, #entries, 2 do
        local deadline, report = string.match(entries[i + 1], '^(%d+) (.*)$')
        if tonumber(deadline) > now then
            found[#found + 1] = {entries[i], report}
        else
            redis.call('HDEL', KEYS[12], entries[i])
        end
    end
    return found
end
