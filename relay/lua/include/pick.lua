-- Leases what is ready for a channel, a few lanes at a time; returns what that takes of the room. Of a lane as much as is alive, of the channel, and within about four megabytes.
local entries, entry_of = {}, {}

local function run_of(lane, ready, room)
    local found = room == 1 and {redis.call('LINDEX', lane, 0) or nil} or redis.call('LRANGE', lane, 0, room - 1)
    local size, mark, failed = 0, string.format('%s ', ready), '0'
    for i, record in ipairs(found) do
        size = size + #record
        if not alive(record) or string.sub(record, 29, 28 + #mark) ~= mark or (i > 1 and size > 4000000) then
            return {unpack(found, 1, i - 1)}, failed
        elseif some_failed and i == 1 then
            local _, _, _, id = head(record)
            failed = redis.call('HGET', tries, id or '') or '0'
            if failed ~= '0' then
                return {record}, failed
            end
        end
    end
    return found, failed
end

local function lend(lane, records, failed)
    entry_of[#records] = entry_of[#records] or string.format('%s 0 %d', take, #records)
    entries[#entries + 1], entries[#entries + 2] = lane, entry_of[#records]
    lanes[#lanes + 1] = {lane, failed, records}
end

local function pick(ready, room)
    local popped = room > 0 and redis.call('LPOP', ready, math.min(room, 8)) or {}
    local left, unused = room, {}
    for _, lane in ipairs(popped) do
        local records, failed = {}, '0'
        if left > 0 then
            records, failed = run_of(lane, ready, left)
        end
        if left <= 0 or (failed ~= '0' and (#lanes > 0 or ARGV[6] == '1')) then
            table.insert(unused, 1, lane)
            left = 0
        elseif #records == 0 then
            settle(lane, last)
        else
            lend(lane, records, failed)
            count(waiting, ready, -#records)
            left = failed ~= '0' and 0 or left - #records
        end
    end
    for _, lane in ipairs(unused) do
        make_ready(ready, lane, front)
    end
    empty[ready] = room > 0 and #popped == 0
    return room - left
end
