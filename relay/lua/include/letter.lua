-- Takes a dead letter out; returns its lane and record.
local function open(id)
    local letter = redis.call('HGET', letters, id)
    if not letter then
        return nil
    end
    local lane_length, reason_length, start = string.match(letter, '^%d+ %d+ (%d+) (%d+)\n()')
    local record = string.sub(letter, start + lane_length + reason_length)
    local _, _, ready = head(record)
    redis.call('HDEL', letters, id)
    count(dead, ready or 'unreadable', -1)
    return string.sub(letter, start, start + lane_length - 1), record
end
