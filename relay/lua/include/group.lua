-- The interface processes of a group that live and have members; the others are dropped from it.
local function living(group)
    local found = {}
    for _, process in ipairs(redis.call('HKEYS', group)) do
        local entry = redis.call('HGET', group, process)
        local members, lane, capacity = string.match(entry, '^(%S+) ?(%S*) ?(%d*)$')
        local alive = process == '-' or tonumber(redis.call('ZSCORE', processes, process) or 0) > now
        if alive and redis.call('ZCOUNT', members, now, '+inf') > 0 then
            found[#found + 1] = {members, lane ~= '' and lane, process, tonumber(capacity)}
        else
            redis.call('HDEL', group, process)
            redis.call('UNLINK', members)
        end
    end
    return found
end
