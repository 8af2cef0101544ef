-- Wakes lanes that have rested.
-- include lane
-- include settle
-- include drain
-- Returns nothing.
-- include rested
finish()
