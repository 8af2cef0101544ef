-- Notes a sender's call. Returns what it was answered if it, or a later one, was made before, and otherwise NULL: a call may
-- be made again since its answer was lost, and it may come late, when it was given up. Without a sender nothing is noted:
-- the call is part of a greater transaction, which is made once.
CREATE OR REPLACE FUNCTION relay_repeated(p_sender text, p_call bigint) RETURNS integer[]
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    before integer[];
BEGIN
    IF p_sender = '' THEN
        RETURN NULL;
    END IF;
    INSERT INTO relay_sender AS s VALUES (p_sender, p_call, '{}', extract(epoch FROM clock_timestamp()))
        ON CONFLICT (name) DO UPDATE SET call = excluded.call, answer = '{}', at = excluded.at
        WHERE s.call < excluded.call;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    SELECT answer INTO before FROM relay_sender WHERE name = p_sender;
    RETURN before;
END $$;
