-- Lists the workers that live.
-- include lane
-- include workers
-- KEYS[12] workers: hash, name → "deadline report"
-- Returns a pair for each: its name, and its report.
return living()
