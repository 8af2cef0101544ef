-- Adds channels of one interface process to a group, or renews them, and tells the process.
-- Ordinary channels are members too: they belong to the process without a name.
-- p_expiry: seconds until the memberships end
-- p_lease: seconds for which a process that was never heard of counts as living
-- p_target, p_mid, p_body: the message that tells the process; no target: it is not told
CREATE OR REPLACE FUNCTION relay_group_add(
    p_crowd text, p_process text, p_channels text[], p_expiry double precision, p_capacity integer,
    p_lease double precision, p_target text, p_mid text, p_body bytea
) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off
    SET enable_bitmapscan = off AS $$
DECLARE
    now constant double precision := extract(epoch FROM clock_timestamp());
BEGIN
    INSERT INTO relay_member SELECT p_crowd, channel, p_process, now + p_expiry FROM unnest(p_channels) channel
        ON CONFLICT (crowd, channel) DO UPDATE SET until = excluded.until;
    -- Written now and then only: all members of a process would queue for this row.
    PERFORM FROM relay_crowd WHERE crowd = p_crowd AND process = p_process AND until > now + p_expiry FOR KEY SHARE;
    IF NOT FOUND THEN
        INSERT INTO relay_crowd VALUES (p_crowd, p_process, p_capacity, now + 1.25 * p_expiry)
            ON CONFLICT (crowd, process) DO UPDATE SET until = excluded.until, capacity = excluded.capacity;
    END IF;
    IF p_process <> '' THEN
        INSERT INTO relay_life VALUES ('process', p_process, now + p_lease) ON CONFLICT DO NOTHING;
    END IF;
    IF p_target <> '' THEN
        INSERT INTO relay_message (durable, lane, channel, target, mid, body, sent, deadline)
            VALUES (false, p_process, p_process, p_target, p_mid, p_body, now, now + p_expiry);
        PERFORM relay_ring(array[p_process]);
    END IF;
END $$;
