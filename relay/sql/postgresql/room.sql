-- How many more messages a channel takes. What is in a reader's hands does not count; what has expired does, until it is
-- cleaned up.
CREATE OR REPLACE FUNCTION relay_room(p_channel text, p_capacity integer) RETURNS integer
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off
    SET enable_bitmapscan = off AS $$
DECLARE
    flying integer;
    present integer;
BEGIN
    SELECT coalesce(sum(size), 0) INTO flying FROM relay_lease WHERE channel = p_channel;
    -- Counted no further than need be.
    SELECT count(*) INTO present FROM (
        SELECT FROM relay_message WHERE channel = p_channel LIMIT p_capacity + flying
    ) counted;
    RETURN greatest(0, p_capacity + flying - present);
END $$;
