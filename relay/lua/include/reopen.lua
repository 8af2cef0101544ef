-- Behind what has expired may have been something for a channel that had nothing when it was asked.
local function reopen(open, asked)
    for ready, state in pairs(asked) do
        if state == 'pushed' and empty[ready] then
            open[#open + 1], asked[ready], empty[ready] = ready, 'quiet', nil
        end
    end
end
