-- Keeps what a process says of itself for a while, and forgets those that have ended without a word.
-- include lane
-- include notes
-- KEYS[12] notes: hash, name → "deadline report"
-- ARGV[1] name
-- ARGV[2] report: JSON
-- ARGV[3] milliseconds; 0 forgets it
-- Returns nothing.
if ARGV[3] == '0' then
    redis.call('HDEL', KEYS[12], ARGV[1])
else
    redis.call('HSET', KEYS[12], ARGV[1], string.format('%.0f %s', now + ARGV[3], ARGV[2]))
end
living()
