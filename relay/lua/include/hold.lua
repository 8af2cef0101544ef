-- Takes the prefix for a deployment, or keeps it, for so many milliseconds, unless another has it; returns whose it is.
local function hold(deployment, identity, milliseconds)
    local holder = redis.call('GET', deployment) or identity
    if holder == identity then
        redis.call('SET', deployment, identity, 'PX', milliseconds)
    end
    return holder
end
