-- Notes a sender's call. Returns what it was answered if it was made before, and otherwise NULL. Without a sender nothing
-- is noted: the call is part of a greater transaction, which is made once.
CREATE OR REPLACE FUNCTION relay_repeated(p_sender text, p_call bigint, p_again boolean) RETURNS integer[]
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    before relay_sender;
BEGIN
    IF p_sender = '' THEN
        RETURN NULL;
    END IF;
    IF p_again THEN
        SELECT * INTO before FROM relay_sender WHERE name = p_sender FOR UPDATE;
        IF before.call >= p_call THEN
            RETURN before.answer;
        END IF;
    END IF;
    INSERT INTO relay_sender VALUES (p_sender, p_call, '{}', extract(epoch FROM clock_timestamp()))
        ON CONFLICT (name) DO UPDATE SET call = excluded.call, answer = '{}', at = excluded.at;
    RETURN NULL;
END $$;
