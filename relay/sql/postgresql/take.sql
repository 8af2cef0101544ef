-- Acknowledges what a reader is done with, and leases it the next messages: the oldest lanes first. Of a lane as much as
-- is alive and of one channel. A message that failed before is taken alone, so that it drags no other down.
-- A lane has no row that could be locked before it is leased: takers lock its name, and skip what is locked.
-- p_lease: seconds for which the reader is known to live if it was not known at all
-- p_alone: whether this is no part of a greater transaction; then the server need not wait for its disk
-- Other parameters are those of relay_acknowledge.
-- Returns the messages, lane by lane; then, without a lane, how many acknowledgements came too late (tries).
CREATE OR REPLACE FUNCTION relay_take(
    p_holder text, p_lease double precision, p_alone boolean, p_take bigint, p_names text[], p_limit integer,
    p_lanes text[], p_takes bigint[], p_left integer[], p_next bigint[], p_done bigint[], p_which integer[]
) RETURNS TABLE (
    lane text, id bigint, channel text, target text, mid text, body bytea, sent double precision, tries integer
)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off SET enable_material = off AS $$
#variable_conflict use_column
DECLARE
    now constant double precision := extract(epoch FROM clock_timestamp());
    lost integer := 0;
    freed text[] := '{}';
    lanes text[] := '{}';
    firsts bigint[] := '{}';
    message record;
    at integer := 0;
    bytes integer := 0;
    total integer := 0;
    current text;
    closed boolean;
    more boolean := false;
    late bigint;
    leased text[] := '{}';
    heads bigint[];
    sizes integer[];
    kinds text[];
BEGIN
    IF p_alone THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    IF cardinality(p_lanes) > 0 THEN
        SELECT a.lost, a.freed INTO lost, freed
            FROM relay_acknowledge(p_holder, p_lanes, p_takes, p_left, p_next, p_done, p_which) a;
    END IF;
    FOR message IN
        SELECT m.lane, min(m.id) AS id FROM unnest(p_names) name CROSS JOIN LATERAL (
            SELECT m.lane, m.id FROM relay_message m
            WHERE m.channel = name AND m.deadline > now
                -- No joins: what is cheap for one row is dear for a table that was larger when it was analysed.
                AND (SELECT l.lane FROM relay_lease l WHERE l.lane = m.lane) IS NULL
                AND (
                    SELECT h.channel FROM relay_message h WHERE h.lane = m.lane AND h.deadline > now
                    ORDER BY h.id LIMIT 1) = ANY (p_names)
            -- A few more: other takers have their hands on the first.
            ORDER BY m.id LIMIT p_limit + 16
        ) m GROUP BY m.lane ORDER BY 2
    LOOP
        EXIT WHEN cardinality(lanes) >= p_limit;
        IF pg_try_advisory_xact_lock(hashtextextended(message.lane, 1852795252)) THEN
            lanes := lanes || message.lane;
            firsts := firsts || message.id;
        END IF;
    END LOOP;
    IF lanes <> '{}' THEN
        SELECT l.late INTO late FROM relay_life l WHERE l.kind = 'reader' AND l.name = p_holder FOR KEY SHARE;
        IF NOT FOUND THEN
            INSERT INTO relay_life VALUES ('reader', p_holder, now + p_lease) ON CONFLICT DO NOTHING;
        ELSIF late >= p_take THEN
            -- It was given up, and whoever made it knows nothing of what it would lease.
            lanes := '{}';
        END IF;
        FOR message IN
            SELECT x.* FROM unnest(lanes, firsts) c (lane, first) CROSS JOIN LATERAL (
                SELECT * FROM relay_message m WHERE m.lane = c.lane AND m.deadline > now ORDER BY m.id LIMIT p_limit
            ) x
            -- Who had the lock before may have leased it since it was chosen.
            WHERE (SELECT l.lane FROM relay_lease l WHERE l.lane = c.lane) IS NULL
            ORDER BY c.first, x.id
        LOOP
            IF message.lane IS DISTINCT FROM current THEN
                more := (message.tries > 0 AND total > 0) OR bytes > 4000000;
                EXIT WHEN more OR total >= p_limit;
                current := message.lane;
                closed := message.channel <> ALL (p_names);
                CONTINUE WHEN closed;
                at := at + 1;
                leased[at] := message.lane;
                heads[at] := message.id;
                sizes[at] := 0;
                kinds[at] := message.channel;
            ELSIF total >= p_limit OR message.channel <> kinds[at] OR message.tries > 0 OR bytes > 4000000 THEN
                closed := true;
            END IF;
            CONTINUE WHEN closed;
            sizes[at] := sizes[at] + 1;
            total := total + 1;
            bytes := bytes + length(message.body);
            lane := message.lane; id := message.id; channel := message.channel; target := message.target; mid := message.mid;
            body := message.body; sent := message.sent; tries := message.tries;
            RETURN NEXT;
            EXIT WHEN message.tries > 0;
        END LOOP;
        INSERT INTO relay_lease SELECT l.lane, p_holder, p_take, l.kind, l.head, l.size, 0
            FROM unnest(leased, kinds, heads, sizes) l (lane, kind, head, size);
    END IF;
    -- What the lanes that are free have more is for another reader, and so is what this one had no room for.
    IF freed <> '{}' THEN
        PERFORM relay_ring(array(
            SELECT DISTINCT (SELECT m.channel FROM relay_message m WHERE m.lane = f.lane ORDER BY m.id LIMIT 1)
            FROM unnest(freed) f (lane) WHERE f.lane <> ALL (leased)));
    END IF;
    IF more THEN
        PERFORM relay_ring(p_names);
    ELSIF total >= p_limit OR tries > 0 THEN
        PERFORM relay_ring(array(SELECT DISTINCT unnest(kinds)));
    END IF;
    lane := NULL; tries := lost;
    RETURN NEXT;
END $$;
