-- Puts messages at the ends of the queues of the interface processes that have members of their groups: one body a process.
-- p_crowds: each group; p_which: of each message, which of them, from 1; p_expiry: seconds that messages are kept
-- Returns how many messages of each group found the queue of a process full (process, which, missed), and the ordinary
-- channels that each group has (which, members).
CREATE OR REPLACE FUNCTION relay_group_send(
    p_sender text, p_call bigint, p_again boolean,
    p_crowds text[], p_which integer[], p_mids text[], p_bodies bytea[], p_expiry double precision
) RETURNS TABLE (process text, which integer, missed bigint, members text[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off SET enable_material = off AS $$
#variable_conflict use_column
DECLARE
    now constant double precision := extract(epoch FROM clock_timestamp());
    repeated constant boolean := relay_repeated(p_sender, p_call) IS NOT NULL;
    queue record;
    room integer;
BEGIN
    IF p_sender <> '' THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    FOR queue IN
        SELECT c.process, min(c.capacity) AS capacity, array_agg(c.crowd) AS crowds FROM relay_crowd c
        WHERE c.crowd = ANY (p_crowds) AND c.until > now AND c.process <> '' AND EXISTS (
            SELECT FROM relay_life l WHERE l.kind = 'process' AND l.name = c.process AND l.until > now)
        GROUP BY c.process
    LOOP
        EXIT WHEN repeated;
        room := relay_room(queue.process, queue.capacity);
        INSERT INTO relay_message (durable, lane, channel, target, mid, body, sent, deadline)
            SELECT false, queue.process, queue.process, '@' || p_crowds[m.which], m.mid, m.body, now, now + p_expiry
            FROM unnest(p_which, p_mids, p_bodies) WITH ORDINALITY m (which, mid, body, place)
            WHERE p_crowds[m.which] = ANY (queue.crowds) ORDER BY m.place LIMIT room;
        PERFORM relay_ring(array[queue.process]);
        RETURN QUERY SELECT queue.process, over.which, count(*), NULL::text[] FROM (
            SELECT m.which FROM unnest(p_which) WITH ORDINALITY m (which, place)
            WHERE p_crowds[m.which] = ANY (queue.crowds) ORDER BY m.place OFFSET room
        ) over GROUP BY over.which;
    END LOOP;
    RETURN QUERY SELECT '', c.which::integer, 0::bigint, array_agg(m.channel)
        FROM unnest(p_crowds) WITH ORDINALITY c (crowd, which)
        JOIN relay_crowd o ON o.crowd = c.crowd AND o.process = ''
        JOIN relay_member m ON m.crowd = c.crowd AND m.process = '' AND m.until > now
        GROUP BY c.which;
END $$;
