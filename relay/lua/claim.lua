-- Claims the prefix for a deployment, when one of its processes starts.
-- include lane
-- include drain
-- include hold
-- KEYS[12] deployment: string, the identity of the one that has the prefix
-- ARGV[1] identity
-- ARGV[2] milliseconds that the claim lasts unless beats renew it
-- Returns the identity of the deployment that has the prefix.
return hold(KEYS[12], ARGV[1], ARGV[2])
