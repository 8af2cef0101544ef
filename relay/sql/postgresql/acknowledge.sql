-- Ends leases, or parts of them.
-- p_lanes, p_takes, p_left, p_next: each lease, how many of its messages are left, and the id of the next
-- p_done, p_which: ids of messages that are handled, and of which of the leases, from 1
-- Returns how many leases the reader no longer had, and the lanes that are free and have more.
CREATE OR REPLACE FUNCTION relay_acknowledge(
    p_holder text, p_lanes text[], p_takes bigint[], p_left integer[], p_next bigint[],
    p_done bigint[], p_which integer[], OUT lost integer, OUT freed text[]
)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off SET enable_material = off AS $$
DECLARE
    held text[];
BEGIN
    WITH asked AS (
        SELECT * FROM unnest(p_lanes, p_takes, p_left, p_next) a (lane, take, remain, next)
    ), ended AS (
        DELETE FROM relay_lease l USING asked a
        WHERE l.lane = a.lane AND l.holder = p_holder AND l.take = a.take AND a.remain = 0 RETURNING l.lane
    ), shortened AS (
        UPDATE relay_lease l SET first = a.next, size = a.remain FROM asked a
        WHERE l.lane = a.lane AND l.holder = p_holder AND l.take = a.take AND a.remain > 0
            -- What was told later may have come before.
            AND a.next > l.first
        RETURNING l.lane
    )
    SELECT array(SELECT lane FROM ended), array(SELECT lane FROM shortened) INTO freed, held;
    held := held || freed;
    lost := cardinality(p_lanes) - cardinality(held);
    DELETE FROM relay_message m USING unnest(p_done, p_which) d (id, which)
        WHERE m.lane = p_lanes[d.which] AND m.id = d.id AND m.lane = ANY (held);
    freed := array(SELECT lane FROM unnest(freed) lane WHERE EXISTS (
        SELECT FROM relay_message m WHERE m.lane = lane.lane));
END $$;
