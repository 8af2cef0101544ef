-- Lists the processes of a kind that live.
-- include lane
-- include notes
-- KEYS[12] notes: hash, name → "deadline report"
-- Returns a pair for each: its name, and its report.
return living()
