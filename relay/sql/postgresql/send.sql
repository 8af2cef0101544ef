-- Puts messages at the ends of their lanes.
-- p_channels, p_capacities, p_expiries, p_shares: each channel, messages that may wait on it (-1: the sender knows that there
-- is room), seconds that they are kept, and how many may wait in a lane however full it is
-- p_which: of each message, which of the channels, from 1
-- Returns the places, from 1, of those that were refused since their channels are full, or come behind one that was; and
-- how many more each channel takes, of those with a capacity.
CREATE OR REPLACE FUNCTION relay_send(
    p_sender text, p_call bigint, p_again boolean,
    p_channels text[], p_capacities integer[], p_expiries double precision[], p_shares integer[],
    p_which integer[], p_lanes text[], p_targets text[], p_mids text[], p_bodies bytea[],
    OUT refused integer[], OUT rooms integer[]
)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    now constant double precision := extract(epoch FROM clock_timestamp());
    before constant integer[] := relay_repeated(p_sender, p_call);
    taken boolean[];
    shut text[] := '{}';
BEGIN
    rooms := array_fill(0, array[cardinality(p_channels)]);
    refused := coalesce(before, '{}');
    IF before IS NOT NULL THEN
        RETURN;
    END IF;
    IF p_sender <> '' AND 'infinity' <> ALL (p_expiries) THEN
        -- What may be lost in a crash need not wait for the disk.
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    FOR i IN 1 .. cardinality(p_channels) LOOP
        rooms[i] := CASE WHEN p_capacities[i] < 0 THEN 2147483647 ELSE relay_room(p_channels[i], p_capacities[i]) END;
    END LOOP;
    FOR i IN 1 .. cardinality(p_which) LOOP
        taken[i] := p_lanes[i] <> ALL (shut) AND (rooms[p_which[i]] > 0 OR p_shares[p_which[i]] > (
            SELECT count(*) FROM unnest(p_lanes[:i - 1], taken) m (lane, taken) WHERE m.lane = p_lanes[i] AND m.taken
        ) + (
            SELECT count(*) FROM (
                SELECT FROM relay_message m WHERE m.lane = p_lanes[i] LIMIT p_shares[p_which[i]]
            ) present
        ));
        IF taken[i] THEN
            rooms[p_which[i]] := rooms[p_which[i]] - 1;
        ELSE
            refused := refused || i;
            shut := shut || p_lanes[i];
        END IF;
    END LOOP;
    INSERT INTO relay_message (durable, lane, channel, target, mid, body, sent, deadline)
        SELECT p_expiries[m.which] = 'infinity', m.lane, p_channels[m.which], m.target, m.mid, m.body, now,
            now + p_expiries[m.which]
        FROM unnest(p_which, p_lanes, p_targets, p_mids, p_bodies, taken)
            WITH ORDINALITY m (which, lane, target, mid, body, taken, place)
        WHERE m.taken AND NOT (p_again AND EXISTS (
            SELECT FROM relay_message e WHERE e.lane = m.lane AND e.mid = m.mid))
        ORDER BY m.place;
    PERFORM relay_ring(p_channels);
    IF p_sender <> '' AND refused <> '{}' THEN
        UPDATE relay_sender SET answer = refused WHERE name = p_sender;
    END IF;
END $$;
