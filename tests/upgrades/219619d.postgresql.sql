SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.relay_acknowledge(p_holder text, p_lanes text[], p_takes bigint[], p_left integer[], p_next bigint[], p_done bigint[], p_which integer[], OUT lost integer, OUT freed text[]) RETURNS record
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_sort TO 'off'
    SET enable_material TO 'off'
    AS $$
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
CREATE FUNCTION public.relay_group_add(p_crowd text, p_process text, p_channels text[], p_expiry double precision, p_capacity integer, p_lease double precision, p_target text, p_mid text, p_body bytea) RETURNS void
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
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
CREATE FUNCTION public.relay_group_send(p_sender text, p_call bigint, p_again boolean, p_crowds text[], p_which integer[], p_mids text[], p_bodies bytea[], p_expiry double precision) RETURNS TABLE(process text, which integer, missed bigint, members text[])
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_sort TO 'off'
    SET enable_material TO 'off'
    AS $$
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
CREATE FUNCTION public.relay_repeated(p_sender text, p_call bigint) RETURNS integer[]
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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
CREATE FUNCTION public.relay_ring(p_channels text[]) RETURNS void
    LANGUAGE sql
    AS $$
    SELECT pg_notify('relay_' || md5(channel), '') FROM unnest(p_channels) channel WHERE channel IS NOT NULL
$$;
CREATE FUNCTION public.relay_room(p_channel text, p_capacity integer) RETURNS integer
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
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
CREATE FUNCTION public.relay_send(p_sender text, p_call bigint, p_again boolean, p_channels text[], p_capacities integer[], p_expiries double precision[], p_shares integer[], p_which integer[], p_lanes text[], p_targets text[], p_mids text[], p_bodies bytea[], OUT refused integer[], OUT rooms integer[]) RETURNS record
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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
CREATE FUNCTION public.relay_take(p_holder text, p_lease double precision, p_alone boolean, p_take bigint, p_names text[], p_limit integer, p_lanes text[], p_takes bigint[], p_left integer[], p_next bigint[], p_done bigint[], p_which integer[]) RETURNS TABLE(lane text, id bigint, channel text, target text, mid text, body bytea, sent double precision, tries integer)
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_sort TO 'off'
    SET enable_material TO 'off'
    AS $$
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
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.auth_group (
    id integer NOT NULL,
    name character varying(150) NOT NULL
);
CREATE SEQUENCE public.auth_group_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.auth_group_id_seq OWNED BY public.auth_group.id;
CREATE TABLE public.auth_group_permissions (
    id integer NOT NULL,
    group_id integer NOT NULL,
    permission_id integer NOT NULL
);
CREATE SEQUENCE public.auth_group_permissions_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.auth_group_permissions_id_seq OWNED BY public.auth_group_permissions.id;
CREATE TABLE public.auth_permission (
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    content_type_id integer NOT NULL,
    codename character varying(100) NOT NULL
);
CREATE SEQUENCE public.auth_permission_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.auth_permission_id_seq OWNED BY public.auth_permission.id;
CREATE TABLE public.auth_user (
    id integer NOT NULL,
    password character varying(128) NOT NULL,
    last_login timestamp with time zone,
    is_superuser boolean NOT NULL,
    username character varying(150) NOT NULL,
    first_name character varying(30) NOT NULL,
    last_name character varying(150) NOT NULL,
    email character varying(254) NOT NULL,
    is_staff boolean NOT NULL,
    is_active boolean NOT NULL,
    date_joined timestamp with time zone NOT NULL
);
CREATE TABLE public.auth_user_groups (
    id integer NOT NULL,
    user_id integer NOT NULL,
    group_id integer NOT NULL
);
CREATE SEQUENCE public.auth_user_groups_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.auth_user_groups_id_seq OWNED BY public.auth_user_groups.id;
CREATE SEQUENCE public.auth_user_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.auth_user_id_seq OWNED BY public.auth_user.id;
CREATE TABLE public.auth_user_user_permissions (
    id integer NOT NULL,
    user_id integer NOT NULL,
    permission_id integer NOT NULL
);
CREATE SEQUENCE public.auth_user_user_permissions_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.auth_user_user_permissions_id_seq OWNED BY public.auth_user_user_permissions.id;
CREATE TABLE public.chatapp_chatmessage (
    id bigint NOT NULL,
    seq bigint NOT NULL,
    sender character varying(80) NOT NULL,
    name character varying(150) NOT NULL,
    message text NOT NULL,
    client_id character varying(64) NOT NULL,
    sent timestamp with time zone NOT NULL,
    room_id integer NOT NULL
);
CREATE SEQUENCE public.chatapp_chatmessage_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.chatapp_chatmessage_id_seq OWNED BY public.chatapp_chatmessage.id;
CREATE TABLE public.chatapp_grant (
    id character varying(32) NOT NULL,
    password_mark character varying(128) NOT NULL,
    session_key character varying(40) NOT NULL,
    made timestamp with time zone NOT NULL,
    ends timestamp with time zone NOT NULL,
    user_id integer NOT NULL
);
CREATE TABLE public.chatapp_idempotencykey (
    key character varying(100) NOT NULL,
    result text NOT NULL,
    ends timestamp with time zone NOT NULL
);
CREATE TABLE public.chatapp_membership (
    id integer NOT NULL,
    muted boolean NOT NULL,
    since timestamp with time zone NOT NULL,
    room_id integer NOT NULL,
    user_id integer NOT NULL
);
CREATE SEQUENCE public.chatapp_membership_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.chatapp_membership_id_seq OWNED BY public.chatapp_membership.id;
CREATE TABLE public.chatapp_presence (
    id integer NOT NULL,
    channel character varying(100) NOT NULL,
    sender character varying(80) NOT NULL,
    name character varying(150) NOT NULL,
    login character varying(40) CONSTRAINT chatapp_presence_session_key_not_null NOT NULL,
    seen timestamp with time zone NOT NULL,
    room_id integer,
    user_id integer,
    expires timestamp with time zone
);
CREATE SEQUENCE public.chatapp_presence_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.chatapp_presence_id_seq OWNED BY public.chatapp_presence.id;
CREATE TABLE public.chatapp_room (
    id integer NOT NULL,
    slug character varying(64) NOT NULL,
    title character varying(120) NOT NULL,
    head bigint NOT NULL,
    announced bigint NOT NULL,
    created timestamp with time zone NOT NULL,
    followed boolean NOT NULL,
    maker character varying(80) NOT NULL
);
CREATE SEQUENCE public.chatapp_room_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.chatapp_room_id_seq OWNED BY public.chatapp_room.id;
CREATE TABLE public.chatapp_ticket (
    id character varying(64) NOT NULL,
    login character varying(40) NOT NULL,
    expires timestamp with time zone,
    password_mark character varying(128) NOT NULL,
    room character varying(64) NOT NULL,
    ends timestamp with time zone NOT NULL,
    used_by character varying(100) NOT NULL,
    user_id integer NOT NULL
);
CREATE TABLE public.chatapp_tries (
    key character varying(64) NOT NULL,
    count integer NOT NULL,
    begun timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL
);
CREATE TABLE public.dashboard_duty (
    name character varying(32) NOT NULL,
    holder character varying(80) NOT NULL,
    until timestamp with time zone NOT NULL
);
CREATE TABLE public.dashboard_point (
    id bigint NOT NULL,
    seq bigint NOT NULL,
    at double precision NOT NULL,
    value double precision NOT NULL,
    series_id integer NOT NULL
);
CREATE SEQUENCE public.dashboard_point_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.dashboard_point_id_seq OWNED BY public.dashboard_point.id;
CREATE TABLE public.dashboard_series (
    id integer NOT NULL,
    name character varying(80) NOT NULL,
    dashboard character varying(32) NOT NULL,
    head bigint NOT NULL,
    announced bigint NOT NULL,
    framed double precision NOT NULL,
    created timestamp with time zone NOT NULL,
    owner_id integer,
    shared boolean NOT NULL
);
CREATE SEQUENCE public.dashboard_series_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.dashboard_series_id_seq OWNED BY public.dashboard_series.id;
CREATE TABLE public.django_admin_log (
    id integer NOT NULL,
    action_time timestamp with time zone NOT NULL,
    object_id text,
    object_repr character varying(200) NOT NULL,
    action_flag smallint NOT NULL,
    change_message text NOT NULL,
    content_type_id integer,
    user_id integer NOT NULL,
    CONSTRAINT django_admin_log_action_flag_check CHECK ((action_flag >= 0))
);
CREATE SEQUENCE public.django_admin_log_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.django_admin_log_id_seq OWNED BY public.django_admin_log.id;
CREATE TABLE public.django_content_type (
    id integer NOT NULL,
    app_label character varying(100) NOT NULL,
    model character varying(100) NOT NULL
);
CREATE SEQUENCE public.django_content_type_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.django_content_type_id_seq OWNED BY public.django_content_type.id;
CREATE TABLE public.django_migrations (
    id integer NOT NULL,
    app character varying(255) NOT NULL,
    name character varying(255) NOT NULL,
    applied timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.django_migrations_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.django_migrations_id_seq OWNED BY public.django_migrations.id;
CREATE TABLE public.django_session (
    session_key character varying(40) NOT NULL,
    session_data text NOT NULL,
    expire_date timestamp with time zone NOT NULL
);
CREATE TABLE public.notifications_delivery (
    id bigint NOT NULL,
    backend character varying(120) NOT NULL,
    wanted integer NOT NULL,
    done integer NOT NULL,
    due timestamp with time zone,
    asks integer NOT NULL,
    notification_id bigint NOT NULL,
    CONSTRAINT notifications_delivery_asks_check CHECK ((asks >= 0)),
    CONSTRAINT notifications_delivery_done_check CHECK ((done >= 0)),
    CONSTRAINT notifications_delivery_wanted_check CHECK ((wanted >= 0))
);
CREATE SEQUENCE public.notifications_delivery_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.notifications_delivery_id_seq OWNED BY public.notifications_delivery.id;
CREATE TABLE public.notifications_digest (
    id integer NOT NULL,
    backend character varying(120) NOT NULL,
    at timestamp with time zone NOT NULL,
    user_id integer NOT NULL
);
CREATE SEQUENCE public.notifications_digest_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.notifications_digest_id_seq OWNED BY public.notifications_digest.id;
CREATE TABLE public.notifications_notification (
    id bigint NOT NULL,
    key character varying(120) NOT NULL,
    source character varying(40) NOT NULL,
    category character varying(40) NOT NULL,
    action character varying(40) NOT NULL,
    object character varying(120) NOT NULL,
    text character varying(300) NOT NULL,
    url character varying(300) NOT NULL,
    extra_json text NOT NULL,
    created timestamp with time zone NOT NULL,
    read timestamp with time zone,
    user_id integer NOT NULL,
    by character varying(80) NOT NULL
);
CREATE SEQUENCE public.notifications_notification_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.notifications_notification_id_seq OWNED BY public.notifications_notification.id;
CREATE TABLE public.relay_count (
    channel text NOT NULL,
    sent bigint DEFAULT 0 NOT NULL,
    refused bigint DEFAULT 0 NOT NULL,
    expired bigint DEFAULT 0 NOT NULL
);
CREATE UNLOGGED TABLE public.relay_crowd (
    crowd text NOT NULL,
    process text NOT NULL,
    capacity integer NOT NULL,
    until double precision NOT NULL
);
CREATE TABLE public.relay_deployment (
    id smallint NOT NULL,
    identity character varying(32) NOT NULL,
    CONSTRAINT relay_deployment_id_check CHECK ((id >= 0))
);
CREATE UNLOGGED TABLE public.relay_epoch (
    one integer DEFAULT 1 NOT NULL,
    name text NOT NULL,
    swept double precision NOT NULL,
    vacuumed double precision DEFAULT 0 NOT NULL
);
CREATE UNLOGGED TABLE public.relay_lease (
    lane text NOT NULL,
    holder text NOT NULL,
    take bigint NOT NULL,
    channel text NOT NULL,
    first bigint NOT NULL,
    size integer NOT NULL,
    until double precision NOT NULL
);
CREATE TABLE public.relay_letter (
    mid text NOT NULL,
    lane text NOT NULL,
    channel text NOT NULL,
    target text NOT NULL,
    body bytea NOT NULL,
    lifetime double precision NOT NULL,
    died double precision NOT NULL,
    attempts integer NOT NULL,
    reason text NOT NULL
);
CREATE UNLOGGED TABLE public.relay_life (
    kind text NOT NULL,
    name text NOT NULL,
    until double precision NOT NULL,
    report text DEFAULT ''::text NOT NULL,
    late bigint DEFAULT 0 NOT NULL
);
CREATE UNLOGGED TABLE public.relay_member (
    crowd text NOT NULL,
    channel text NOT NULL,
    process text NOT NULL,
    until double precision NOT NULL
);
CREATE TABLE public.relay_message (
    id bigint NOT NULL,
    durable boolean DEFAULT false NOT NULL,
    lane text NOT NULL,
    channel text NOT NULL,
    target text NOT NULL,
    mid text NOT NULL,
    body bytea NOT NULL,
    sent double precision NOT NULL,
    deadline double precision NOT NULL,
    tries integer DEFAULT 0 NOT NULL
)
PARTITION BY LIST (durable);
CREATE SEQUENCE public.relay_message_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.relay_message_id_seq OWNED BY public.relay_message.id;
CREATE TABLE public.relay_message_durable (
    id bigint DEFAULT nextval('public.relay_message_id_seq'::regclass) CONSTRAINT relay_message_id_not_null NOT NULL,
    durable boolean DEFAULT false CONSTRAINT relay_message_durable_not_null NOT NULL,
    lane text CONSTRAINT relay_message_lane_not_null NOT NULL,
    channel text CONSTRAINT relay_message_channel_not_null NOT NULL,
    target text CONSTRAINT relay_message_target_not_null NOT NULL,
    mid text CONSTRAINT relay_message_mid_not_null NOT NULL,
    body bytea CONSTRAINT relay_message_body_not_null NOT NULL,
    sent double precision CONSTRAINT relay_message_sent_not_null NOT NULL,
    deadline double precision CONSTRAINT relay_message_deadline_not_null NOT NULL,
    tries integer DEFAULT 0 CONSTRAINT relay_message_tries_not_null NOT NULL
);
CREATE UNLOGGED TABLE public.relay_message_passing (
    id bigint DEFAULT nextval('public.relay_message_id_seq'::regclass) CONSTRAINT relay_message_id_not_null NOT NULL,
    durable boolean DEFAULT false CONSTRAINT relay_message_durable_not_null NOT NULL,
    lane text CONSTRAINT relay_message_lane_not_null NOT NULL,
    channel text CONSTRAINT relay_message_channel_not_null NOT NULL,
    target text CONSTRAINT relay_message_target_not_null NOT NULL,
    mid text CONSTRAINT relay_message_mid_not_null NOT NULL,
    body bytea CONSTRAINT relay_message_body_not_null NOT NULL,
    sent double precision CONSTRAINT relay_message_sent_not_null NOT NULL,
    deadline double precision CONSTRAINT relay_message_deadline_not_null NOT NULL,
    tries integer DEFAULT 0 CONSTRAINT relay_message_tries_not_null NOT NULL
);
CREATE UNLOGGED TABLE public.relay_sender (
    name text NOT NULL,
    call bigint NOT NULL,
    answer integer[] NOT NULL,
    at double precision NOT NULL
)
WITH (fillfactor='50');
ALTER TABLE ONLY public.relay_message ATTACH PARTITION public.relay_message_durable FOR VALUES IN (true);
ALTER TABLE ONLY public.relay_message ATTACH PARTITION public.relay_message_passing FOR VALUES IN (false);
ALTER TABLE ONLY public.auth_group ALTER COLUMN id SET DEFAULT nextval('public.auth_group_id_seq'::regclass);
ALTER TABLE ONLY public.auth_group_permissions ALTER COLUMN id SET DEFAULT nextval('public.auth_group_permissions_id_seq'::regclass);
ALTER TABLE ONLY public.auth_permission ALTER COLUMN id SET DEFAULT nextval('public.auth_permission_id_seq'::regclass);
ALTER TABLE ONLY public.auth_user ALTER COLUMN id SET DEFAULT nextval('public.auth_user_id_seq'::regclass);
ALTER TABLE ONLY public.auth_user_groups ALTER COLUMN id SET DEFAULT nextval('public.auth_user_groups_id_seq'::regclass);
ALTER TABLE ONLY public.auth_user_user_permissions ALTER COLUMN id SET DEFAULT nextval('public.auth_user_user_permissions_id_seq'::regclass);
ALTER TABLE ONLY public.chatapp_chatmessage ALTER COLUMN id SET DEFAULT nextval('public.chatapp_chatmessage_id_seq'::regclass);
ALTER TABLE ONLY public.chatapp_membership ALTER COLUMN id SET DEFAULT nextval('public.chatapp_membership_id_seq'::regclass);
ALTER TABLE ONLY public.chatapp_presence ALTER COLUMN id SET DEFAULT nextval('public.chatapp_presence_id_seq'::regclass);
ALTER TABLE ONLY public.chatapp_room ALTER COLUMN id SET DEFAULT nextval('public.chatapp_room_id_seq'::regclass);
ALTER TABLE ONLY public.dashboard_point ALTER COLUMN id SET DEFAULT nextval('public.dashboard_point_id_seq'::regclass);
ALTER TABLE ONLY public.dashboard_series ALTER COLUMN id SET DEFAULT nextval('public.dashboard_series_id_seq'::regclass);
ALTER TABLE ONLY public.django_admin_log ALTER COLUMN id SET DEFAULT nextval('public.django_admin_log_id_seq'::regclass);
ALTER TABLE ONLY public.django_content_type ALTER COLUMN id SET DEFAULT nextval('public.django_content_type_id_seq'::regclass);
ALTER TABLE ONLY public.django_migrations ALTER COLUMN id SET DEFAULT nextval('public.django_migrations_id_seq'::regclass);
ALTER TABLE ONLY public.notifications_delivery ALTER COLUMN id SET DEFAULT nextval('public.notifications_delivery_id_seq'::regclass);
ALTER TABLE ONLY public.notifications_digest ALTER COLUMN id SET DEFAULT nextval('public.notifications_digest_id_seq'::regclass);
ALTER TABLE ONLY public.notifications_notification ALTER COLUMN id SET DEFAULT nextval('public.notifications_notification_id_seq'::regclass);
ALTER TABLE ONLY public.relay_message ALTER COLUMN id SET DEFAULT nextval('public.relay_message_id_seq'::regclass);
INSERT INTO public.auth_permission VALUES (1, 'Can add room', 2, 'add_room');
INSERT INTO public.auth_permission VALUES (2, 'Can change room', 2, 'change_room');
INSERT INTO public.auth_permission VALUES (3, 'Can delete room', 2, 'delete_room');
INSERT INTO public.auth_permission VALUES (4, 'Can view room', 2, 'view_room');
INSERT INTO public.auth_permission VALUES (5, 'Can add presence', 3, 'add_presence');
INSERT INTO public.auth_permission VALUES (6, 'Can change presence', 3, 'change_presence');
INSERT INTO public.auth_permission VALUES (7, 'Can delete presence', 3, 'delete_presence');
INSERT INTO public.auth_permission VALUES (8, 'Can view presence', 3, 'view_presence');
INSERT INTO public.auth_permission VALUES (9, 'Can add chat message', 4, 'add_chatmessage');
INSERT INTO public.auth_permission VALUES (10, 'Can change chat message', 4, 'change_chatmessage');
INSERT INTO public.auth_permission VALUES (11, 'Can delete chat message', 4, 'delete_chatmessage');
INSERT INTO public.auth_permission VALUES (12, 'Can view chat message', 4, 'view_chatmessage');
INSERT INTO public.auth_permission VALUES (13, 'Can add grant', 5, 'add_grant');
INSERT INTO public.auth_permission VALUES (14, 'Can change grant', 5, 'change_grant');
INSERT INTO public.auth_permission VALUES (15, 'Can delete grant', 5, 'delete_grant');
INSERT INTO public.auth_permission VALUES (16, 'Can view grant', 5, 'view_grant');
INSERT INTO public.auth_permission VALUES (17, 'Can add membership', 6, 'add_membership');
INSERT INTO public.auth_permission VALUES (18, 'Can change membership', 6, 'change_membership');
INSERT INTO public.auth_permission VALUES (19, 'Can delete membership', 6, 'delete_membership');
INSERT INTO public.auth_permission VALUES (20, 'Can view membership', 6, 'view_membership');
INSERT INTO public.auth_permission VALUES (21, 'Can add tries', 7, 'add_tries');
INSERT INTO public.auth_permission VALUES (22, 'Can change tries', 7, 'change_tries');
INSERT INTO public.auth_permission VALUES (23, 'Can delete tries', 7, 'delete_tries');
INSERT INTO public.auth_permission VALUES (24, 'Can view tries', 7, 'view_tries');
INSERT INTO public.auth_permission VALUES (25, 'Can add ticket', 8, 'add_ticket');
INSERT INTO public.auth_permission VALUES (26, 'Can change ticket', 8, 'change_ticket');
INSERT INTO public.auth_permission VALUES (27, 'Can delete ticket', 8, 'delete_ticket');
INSERT INTO public.auth_permission VALUES (28, 'Can view ticket', 8, 'view_ticket');
INSERT INTO public.auth_permission VALUES (29, 'Can add idempotency key', 9, 'add_idempotencykey');
INSERT INTO public.auth_permission VALUES (30, 'Can change idempotency key', 9, 'change_idempotencykey');
INSERT INTO public.auth_permission VALUES (31, 'Can delete idempotency key', 9, 'delete_idempotencykey');
INSERT INTO public.auth_permission VALUES (32, 'Can view idempotency key', 9, 'view_idempotencykey');
INSERT INTO public.auth_permission VALUES (33, 'Can add notification', 10, 'add_notification');
INSERT INTO public.auth_permission VALUES (34, 'Can change notification', 10, 'change_notification');
INSERT INTO public.auth_permission VALUES (35, 'Can delete notification', 10, 'delete_notification');
INSERT INTO public.auth_permission VALUES (36, 'Can view notification', 10, 'view_notification');
INSERT INTO public.auth_permission VALUES (37, 'Can add delivery', 11, 'add_delivery');
INSERT INTO public.auth_permission VALUES (38, 'Can change delivery', 11, 'change_delivery');
INSERT INTO public.auth_permission VALUES (39, 'Can delete delivery', 11, 'delete_delivery');
INSERT INTO public.auth_permission VALUES (40, 'Can view delivery', 11, 'view_delivery');
INSERT INTO public.auth_permission VALUES (41, 'Can add digest', 12, 'add_digest');
INSERT INTO public.auth_permission VALUES (42, 'Can change digest', 12, 'change_digest');
INSERT INTO public.auth_permission VALUES (43, 'Can delete digest', 12, 'delete_digest');
INSERT INTO public.auth_permission VALUES (44, 'Can view digest', 12, 'view_digest');
INSERT INTO public.auth_permission VALUES (45, 'Can add duty', 13, 'add_duty');
INSERT INTO public.auth_permission VALUES (46, 'Can change duty', 13, 'change_duty');
INSERT INTO public.auth_permission VALUES (47, 'Can delete duty', 13, 'delete_duty');
INSERT INTO public.auth_permission VALUES (48, 'Can view duty', 13, 'view_duty');
INSERT INTO public.auth_permission VALUES (49, 'Can add series', 14, 'add_series');
INSERT INTO public.auth_permission VALUES (50, 'Can change series', 14, 'change_series');
INSERT INTO public.auth_permission VALUES (51, 'Can delete series', 14, 'delete_series');
INSERT INTO public.auth_permission VALUES (52, 'Can view series', 14, 'view_series');
INSERT INTO public.auth_permission VALUES (53, 'Can add point', 15, 'add_point');
INSERT INTO public.auth_permission VALUES (54, 'Can change point', 15, 'change_point');
INSERT INTO public.auth_permission VALUES (55, 'Can delete point', 15, 'delete_point');
INSERT INTO public.auth_permission VALUES (56, 'Can view point', 15, 'view_point');
INSERT INTO public.auth_permission VALUES (57, 'Can add log entry', 16, 'add_logentry');
INSERT INTO public.auth_permission VALUES (58, 'Can change log entry', 16, 'change_logentry');
INSERT INTO public.auth_permission VALUES (59, 'Can delete log entry', 16, 'delete_logentry');
INSERT INTO public.auth_permission VALUES (60, 'Can view log entry', 16, 'view_logentry');
INSERT INTO public.auth_permission VALUES (61, 'Can add permission', 17, 'add_permission');
INSERT INTO public.auth_permission VALUES (62, 'Can change permission', 17, 'change_permission');
INSERT INTO public.auth_permission VALUES (63, 'Can delete permission', 17, 'delete_permission');
INSERT INTO public.auth_permission VALUES (64, 'Can view permission', 17, 'view_permission');
INSERT INTO public.auth_permission VALUES (65, 'Can add group', 18, 'add_group');
INSERT INTO public.auth_permission VALUES (66, 'Can change group', 18, 'change_group');
INSERT INTO public.auth_permission VALUES (67, 'Can delete group', 18, 'delete_group');
INSERT INTO public.auth_permission VALUES (68, 'Can view group', 18, 'view_group');
INSERT INTO public.auth_permission VALUES (69, 'Can add user', 19, 'add_user');
INSERT INTO public.auth_permission VALUES (70, 'Can change user', 19, 'change_user');
INSERT INTO public.auth_permission VALUES (71, 'Can delete user', 19, 'delete_user');
INSERT INTO public.auth_permission VALUES (72, 'Can view user', 19, 'view_user');
INSERT INTO public.auth_permission VALUES (73, 'Can add content type', 20, 'add_contenttype');
INSERT INTO public.auth_permission VALUES (74, 'Can change content type', 20, 'change_contenttype');
INSERT INTO public.auth_permission VALUES (75, 'Can delete content type', 20, 'delete_contenttype');
INSERT INTO public.auth_permission VALUES (76, 'Can view content type', 20, 'view_contenttype');
INSERT INTO public.auth_permission VALUES (77, 'Can add session', 21, 'add_session');
INSERT INTO public.auth_permission VALUES (78, 'Can change session', 21, 'change_session');
INSERT INTO public.auth_permission VALUES (79, 'Can delete session', 21, 'delete_session');
INSERT INTO public.auth_permission VALUES (80, 'Can view session', 21, 'view_session');
INSERT INTO public.auth_user VALUES (1, 'argon2$argon2id$v=19$m=19456,t=2,p=1$SURrOFcxN1RseFVn$bnmwDTrdvEfL6awLebqJQ4XHp4VJXjgAg5Ibo50NayM', NULL, true, 'ann', '', '', 'ann@example.com', true, true, '2026-12-01 06:38:43.596008+00');
INSERT INTO public.auth_user VALUES (2, 'argon2$argon2id$v=19$m=19456,t=2,p=1$bkNuWGRldXA1UGZF$zpcEOBoi5PBaeAMFMcusG/xLFaUch3KWIz6VhuQVmho', NULL, false, 'bob', '', '', 'bob@example.com', false, true, '2026-12-01 06:38:43.691775+00');
INSERT INTO public.auth_user VALUES (3, 'pbkdf2_sha256$150000$FLqxNMnZIFtb$IUAvCLD8QxFNYVvjGiCMiJJQkDXJ2UKmAIM0UvTsijo=', NULL, false, 'carol', '', '', 'carol@example.com', false, true, '2026-12-01 06:38:43.781721+00');
INSERT INTO public.auth_user VALUES (4, '!HRb20VWMWEhb5C6grOLTWWAUswG0onLzs38haJG5', NULL, false, 'ANN', '', '', '', false, true, '2026-12-01 06:38:43.926069+00');
INSERT INTO public.chatapp_chatmessage VALUES (1, 1, 'server', 'Parley', 'Welcome! Open this page in a second window, and chat. /help says what else there is.', 'demo', '2026-12-01 06:38:43.184953+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (2, 1, 'server', 'Parley', 'Say /roll 2d6 to throw two dice.', 'demo', '2026-12-01 06:38:43.18965+00', 2);
INSERT INTO public.chatapp_chatmessage VALUES (3, 1, 'server', 'Parley', 'Nothing happens here, until you say something.', 'demo', '2026-12-01 06:38:43.195507+00', 3);
INSERT INTO public.chatapp_chatmessage VALUES (4, 2, 'user:2', 'bob', 'message 1 of 日本 🎉', 'c1', '2026-12-01 06:38:43.936547+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (5, 3, 'user:1', 'ann', 'message 2 of 日本 🎉', 'c2', '2026-12-01 06:38:44.015864+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (6, 4, 'user:2', 'bob', 'message 3 of 日本 🎉', 'c3', '2026-12-01 06:38:44.023011+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (7, 5, 'user:1', 'ann', 'message 4 of 日本 🎉', 'c4', '2026-12-01 06:38:44.058027+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (8, 6, 'user:2', 'bob', 'message 5 of 日本 🎉', 'c5', '2026-12-01 06:38:44.062619+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (9, 7, 'user:1', 'ann', 'message 6 of 日本 🎉', 'c6', '2026-12-01 06:38:44.095219+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (10, 8, 'user:2', 'bob', 'message 7 of 日本 🎉', 'c7', '2026-12-01 06:38:44.101598+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (11, 9, 'user:1', 'ann', 'message 8 of 日本 🎉', 'c8', '2026-12-01 06:38:44.105863+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (12, 10, 'user:2', 'bob', 'message 9 of 日本 🎉', 'c9', '2026-12-01 06:38:44.113667+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (13, 11, 'user:1', 'ann', 'message 10 of 日本 🎉', 'c10', '2026-12-01 06:38:44.121659+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (14, 12, 'user:2', 'bob', 'message 11 of 日本 🎉', 'c11', '2026-12-01 06:38:44.125287+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (15, 13, 'user:1', 'ann', 'message 12 of 日本 🎉', 'c12', '2026-12-01 06:38:44.143684+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (16, 14, 'user:2', 'bob', 'message 13 of 日本 🎉', 'c13', '2026-12-01 06:38:44.148317+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (17, 15, 'user:1', 'ann', 'message 14 of 日本 🎉', 'c14', '2026-12-01 06:38:44.151363+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (18, 16, 'user:2', 'bob', 'message 15 of 日本 🎉', 'c15', '2026-12-01 06:38:44.153582+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (19, 17, 'user:1', 'ann', 'message 16 of 日本 🎉', 'c16', '2026-12-01 06:38:44.175297+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (20, 18, 'user:2', 'bob', 'message 17 of 日本 🎉', 'c17', '2026-12-01 06:38:44.177665+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (21, 19, 'user:1', 'ann', 'message 18 of 日本 🎉', 'c18', '2026-12-01 06:38:44.253832+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (22, 20, 'user:2', 'bob', 'message 19 of 日本 🎉', 'c19', '2026-12-01 06:38:44.257725+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (23, 21, 'user:1', 'ann', 'message 20 of 日本 🎉', 'c20', '2026-12-01 06:38:44.262307+00', 1);
INSERT INTO public.chatapp_chatmessage VALUES (24, 1, 'guest:a8367e390dbaa590', 'Zora', 'a guest''s', 'g', '2026-12-01 06:38:44.281866+00', 4);
INSERT INTO public.chatapp_grant VALUES ('03d653a7d63d419fa0c7c099bb9609f9', '', '', '2026-12-01 06:38:44.354779+00', '2026-12-31 06:38:44.354742+00', 2);
INSERT INTO public.chatapp_membership VALUES (1, false, '2026-12-01 06:38:44.314023+00', 1, 2);
INSERT INTO public.chatapp_room VALUES (2, 'dice', 'Dice', 1, 0, '2026-12-01 06:38:43.189127+00', false, '');
INSERT INTO public.chatapp_room VALUES (3, 'quiet', 'Quiet corner', 1, 0, '2026-12-01 06:38:43.191461+00', false, '');
INSERT INTO public.chatapp_room VALUES (5, 'team', 'Another team', 0, 0, '2026-12-01 06:38:43.93361+00', false, '');
INSERT INTO public.chatapp_room VALUES (1, 'lobby', 'Lobby', 21, 0, '2026-12-01 06:38:43.184013+00', false, '');
INSERT INTO public.chatapp_room VALUES (4, 'Team', 'The team', 1, 0, '2026-12-01 06:38:43.929674+00', false, '');
INSERT INTO public.dashboard_point VALUES (1, 1, 1796100000, 5.5, 1);
INSERT INTO public.dashboard_point VALUES (2, 2, 1796100060, 6.5, 1);
INSERT INTO public.dashboard_series VALUES (1, 'garden.soil.bed-1', 'garden', 2, 0, 0, '2026-12-01 06:38:44.349685+00', NULL, false);
INSERT INTO public.django_content_type VALUES (1, 'relay', 'deployment');
INSERT INTO public.django_content_type VALUES (2, 'chatapp', 'room');
INSERT INTO public.django_content_type VALUES (3, 'chatapp', 'presence');
INSERT INTO public.django_content_type VALUES (4, 'chatapp', 'chatmessage');
INSERT INTO public.django_content_type VALUES (5, 'chatapp', 'grant');
INSERT INTO public.django_content_type VALUES (6, 'chatapp', 'membership');
INSERT INTO public.django_content_type VALUES (7, 'chatapp', 'tries');
INSERT INTO public.django_content_type VALUES (8, 'chatapp', 'ticket');
INSERT INTO public.django_content_type VALUES (9, 'chatapp', 'idempotencykey');
INSERT INTO public.django_content_type VALUES (10, 'notifications', 'notification');
INSERT INTO public.django_content_type VALUES (11, 'notifications', 'delivery');
INSERT INTO public.django_content_type VALUES (12, 'notifications', 'digest');
INSERT INTO public.django_content_type VALUES (13, 'dashboard', 'duty');
INSERT INTO public.django_content_type VALUES (14, 'dashboard', 'series');
INSERT INTO public.django_content_type VALUES (15, 'dashboard', 'point');
INSERT INTO public.django_content_type VALUES (16, 'admin', 'logentry');
INSERT INTO public.django_content_type VALUES (17, 'auth', 'permission');
INSERT INTO public.django_content_type VALUES (18, 'auth', 'group');
INSERT INTO public.django_content_type VALUES (19, 'auth', 'user');
INSERT INTO public.django_content_type VALUES (20, 'contenttypes', 'contenttype');
INSERT INTO public.django_content_type VALUES (21, 'sessions', 'session');
INSERT INTO public.django_migrations VALUES (1, 'contenttypes', '0001_initial', '2026-12-01 06:38:41.166078+00');
INSERT INTO public.django_migrations VALUES (2, 'auth', '0001_initial', '2026-12-01 06:38:41.218198+00');
INSERT INTO public.django_migrations VALUES (3, 'admin', '0001_initial', '2026-12-01 06:38:41.262126+00');
INSERT INTO public.django_migrations VALUES (4, 'admin', '0002_logentry_remove_auto_add', '2026-12-01 06:38:41.283481+00');
INSERT INTO public.django_migrations VALUES (5, 'admin', '0003_logentry_add_action_flag_choices', '2026-12-01 06:38:41.301043+00');
INSERT INTO public.django_migrations VALUES (6, 'contenttypes', '0002_remove_content_type_name', '2026-12-01 06:38:41.335738+00');
INSERT INTO public.django_migrations VALUES (7, 'auth', '0002_alter_permission_name_max_length', '2026-12-01 06:38:41.346378+00');
INSERT INTO public.django_migrations VALUES (8, 'auth', '0003_alter_user_email_max_length', '2026-12-01 06:38:41.359388+00');
INSERT INTO public.django_migrations VALUES (9, 'auth', '0004_alter_user_username_opts', '2026-12-01 06:38:41.390324+00');
INSERT INTO public.django_migrations VALUES (10, 'auth', '0005_alter_user_last_login_null', '2026-12-01 06:38:41.406435+00');
INSERT INTO public.django_migrations VALUES (11, 'auth', '0006_require_contenttypes_0002', '2026-12-01 06:38:41.418322+00');
INSERT INTO public.django_migrations VALUES (12, 'auth', '0007_alter_validators_add_error_messages', '2026-12-01 06:38:41.445841+00');
INSERT INTO public.django_migrations VALUES (13, 'auth', '0008_alter_user_username_max_length', '2026-12-01 06:38:41.463361+00');
INSERT INTO public.django_migrations VALUES (14, 'auth', '0009_alter_user_last_name_max_length', '2026-12-01 06:38:41.478492+00');
INSERT INTO public.django_migrations VALUES (15, 'auth', '0010_alter_group_name_max_length', '2026-12-01 06:38:41.49073+00');
INSERT INTO public.django_migrations VALUES (16, 'auth', '0011_update_proxy_permissions', '2026-12-01 06:38:41.505943+00');
INSERT INTO public.django_migrations VALUES (17, 'chatapp', '0001_initial', '2026-12-01 06:38:41.58756+00');
INSERT INTO public.django_migrations VALUES (18, 'chatapp', '0002_tokens_and_memberships', '2026-12-01 06:38:42.19351+00');
INSERT INTO public.django_migrations VALUES (19, 'chatapp', '0003_tickets_and_tries', '2026-12-01 06:38:42.287452+00');
INSERT INTO public.django_migrations VALUES (20, 'chatapp', '0004_idempotency_keys', '2026-12-01 06:38:42.364199+00');
INSERT INTO public.django_migrations VALUES (21, 'chatapp', '0005_room_quotas', '2026-12-01 06:38:42.550421+00');
INSERT INTO public.django_migrations VALUES (22, 'dashboard', '0001_initial', '2026-12-01 06:38:42.590137+00');
INSERT INTO public.django_migrations VALUES (23, 'dashboard', '0002_quotas', '2026-12-01 06:38:42.685453+00');
INSERT INTO public.django_migrations VALUES (24, 'notifications', '0001_initial', '2026-12-01 06:38:42.830401+00');
INSERT INTO public.django_migrations VALUES (25, 'notifications', '0002_quotas', '2026-12-01 06:38:42.940316+00');
INSERT INTO public.django_migrations VALUES (26, 'relay', '0001_channel_layer', '2026-12-01 06:38:42.994098+00');
INSERT INTO public.django_migrations VALUES (27, 'relay', '0002_functions', '2026-12-01 06:38:43.018799+00');
INSERT INTO public.django_migrations VALUES (28, 'relay', '0003_late_calls', '2026-12-01 06:38:43.04875+00');
INSERT INTO public.django_migrations VALUES (29, 'relay', '0004_deployment', '2026-12-01 06:38:43.058783+00');
INSERT INTO public.django_migrations VALUES (30, 'sessions', '0001_initial', '2026-12-01 06:38:43.069383+00');
INSERT INTO public.django_session VALUES ('9lr19rfoqje8bfg129jonaj56gzr23u8', 'ZWM1OWMwZWRjZDNjZTg1NzM4ZThlYmVlZGY5NTEwZDk2YTVmOWZkYTp7Il9hdXRoX3VzZXJfaWQiOiIxIiwiX2F1dGhfdXNlcl9iYWNrZW5kIjoiZGphbmdvLmNvbnRyaWIuYXV0aC5iYWNrZW5kcy5Nb2RlbEJhY2tlbmQiLCJfYXV0aF91c2VyX2hhc2giOiJmYjYzM2Q0OWYzMzE0NjIyMjU5OWRiNWQyZWJlNWUyNGMxYzViNjNjIn0=', '2026-12-15 06:38:44.362956+00');
INSERT INTO public.notifications_notification VALUES (1, 'a704daadb13f46e89503993d13639032', 'test', 'mention', 'mentioned', 'lobby', 'ann mentioned you', '/chat/lobby/', '{}', '2026-12-01 06:38:44.336254+00', NULL, 2, '');
INSERT INTO public.relay_count VALUES ('chat-messages', 22, 0, 0);
INSERT INTO public.relay_message_durable VALUES (1, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-0', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107123.982139, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (2, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-1', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.020844, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (3, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-2', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.034468, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (4, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-3', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.061493, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (5, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-4', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.093343, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (6, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-5', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.098213, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (7, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-6', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.103834, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (8, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-7', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.10978, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (9, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-8', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.116468, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (10, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-9', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.122971, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (11, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-a', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.142723, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (12, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-b', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.144892, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (13, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-c', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.149601, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (14, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-d', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.152543, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (15, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-e', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.169389, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (16, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-f', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.176811, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (17, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-10', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.237834, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (18, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-11', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.256004, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (19, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-12', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.260941, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (20, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-13', '\x82a4726f6f6da56c6f626279a8616e6e6f756e6365c3', 1796107124.279295, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (21, true, 'room=Team', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-14', '\x82a4726f6f6da45465616da8616e6e6f756e6365c3', 1796107124.289747, 'Infinity', 0);
INSERT INTO public.relay_message_durable VALUES (22, true, 'room=lobby', 'chat-messages', '=chat-messages', 'c94e97b7e98041a0-1184-15', '\x83a4726f6f6da56c6f626279a76d657373616765aa6f6e2069747320776179a9636c69656e745f6964a3776179', 1796107124.365761, 'Infinity', 0);
INSERT INTO public.relay_sender VALUES ('c94e97b7e98041a0-1184-16', 1, '{}', 1796107124.365951);
SELECT pg_catalog.setval('public.auth_group_id_seq', 1, false);
SELECT pg_catalog.setval('public.auth_group_permissions_id_seq', 1, false);
SELECT pg_catalog.setval('public.auth_permission_id_seq', 80, true);
SELECT pg_catalog.setval('public.auth_user_groups_id_seq', 1, false);
SELECT pg_catalog.setval('public.auth_user_id_seq', 4, true);
SELECT pg_catalog.setval('public.auth_user_user_permissions_id_seq', 1, false);
SELECT pg_catalog.setval('public.chatapp_chatmessage_id_seq', 24, true);
SELECT pg_catalog.setval('public.chatapp_membership_id_seq', 1, true);
SELECT pg_catalog.setval('public.chatapp_presence_id_seq', 1, false);
SELECT pg_catalog.setval('public.chatapp_room_id_seq', 5, true);
SELECT pg_catalog.setval('public.dashboard_point_id_seq', 2, true);
SELECT pg_catalog.setval('public.dashboard_series_id_seq', 1, true);
SELECT pg_catalog.setval('public.django_admin_log_id_seq', 1, false);
SELECT pg_catalog.setval('public.django_content_type_id_seq', 21, true);
SELECT pg_catalog.setval('public.django_migrations_id_seq', 30, true);
SELECT pg_catalog.setval('public.notifications_delivery_id_seq', 1, false);
SELECT pg_catalog.setval('public.notifications_digest_id_seq', 1, false);
SELECT pg_catalog.setval('public.notifications_notification_id_seq', 1, true);
SELECT pg_catalog.setval('public.relay_message_id_seq', 22, true);
ALTER TABLE ONLY public.auth_group
    ADD CONSTRAINT auth_group_name_key UNIQUE (name);
ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_permission_id_0cd325b0_uniq UNIQUE (group_id, permission_id);
ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.auth_group
    ADD CONSTRAINT auth_group_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_codename_01ab375a_uniq UNIQUE (content_type_id, codename);
ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.auth_user_groups
    ADD CONSTRAINT auth_user_groups_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.auth_user_groups
    ADD CONSTRAINT auth_user_groups_user_id_group_id_94350c0c_uniq UNIQUE (user_id, group_id);
ALTER TABLE ONLY public.auth_user
    ADD CONSTRAINT auth_user_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permissions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permissions_user_id_permission_id_14a6b632_uniq UNIQUE (user_id, permission_id);
ALTER TABLE ONLY public.auth_user
    ADD CONSTRAINT auth_user_username_key UNIQUE (username);
ALTER TABLE ONLY public.chatapp_chatmessage
    ADD CONSTRAINT chatapp_chatmessage_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.chatapp_grant
    ADD CONSTRAINT chatapp_grant_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.chatapp_idempotencykey
    ADD CONSTRAINT chatapp_idempotencykey_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.chatapp_membership
    ADD CONSTRAINT chatapp_membership_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.chatapp_presence
    ADD CONSTRAINT chatapp_presence_channel_key UNIQUE (channel);
ALTER TABLE ONLY public.chatapp_presence
    ADD CONSTRAINT chatapp_presence_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.chatapp_room
    ADD CONSTRAINT chatapp_room_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.chatapp_room
    ADD CONSTRAINT chatapp_room_slug_key UNIQUE (slug);
ALTER TABLE ONLY public.chatapp_ticket
    ADD CONSTRAINT chatapp_ticket_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.chatapp_tries
    ADD CONSTRAINT chatapp_tries_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.dashboard_duty
    ADD CONSTRAINT dashboard_duty_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.dashboard_point
    ADD CONSTRAINT dashboard_point_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.dashboard_series
    ADD CONSTRAINT dashboard_series_name_key UNIQUE (name);
ALTER TABLE ONLY public.dashboard_series
    ADD CONSTRAINT dashboard_series_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.django_admin_log
    ADD CONSTRAINT django_admin_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.django_content_type
    ADD CONSTRAINT django_content_type_app_label_model_76bd3d3b_uniq UNIQUE (app_label, model);
ALTER TABLE ONLY public.django_content_type
    ADD CONSTRAINT django_content_type_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.django_migrations
    ADD CONSTRAINT django_migrations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.django_session
    ADD CONSTRAINT django_session_pkey PRIMARY KEY (session_key);
ALTER TABLE ONLY public.chatapp_chatmessage
    ADD CONSTRAINT each_message_once UNIQUE (room_id, sender, client_id);
ALTER TABLE ONLY public.notifications_delivery
    ADD CONSTRAINT notifications_delivery_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.notifications_digest
    ADD CONSTRAINT notifications_digest_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.notifications_notification
    ADD CONSTRAINT notifications_notification_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.notifications_delivery
    ADD CONSTRAINT one_delivery_a_backend UNIQUE (notification_id, backend);
ALTER TABLE ONLY public.notifications_digest
    ADD CONSTRAINT one_digest_a_backend UNIQUE (user_id, backend);
ALTER TABLE ONLY public.chatapp_membership
    ADD CONSTRAINT one_membership_a_room UNIQUE (room_id, user_id);
ALTER TABLE ONLY public.chatapp_chatmessage
    ADD CONSTRAINT one_message_a_number UNIQUE (room_id, seq);
ALTER TABLE ONLY public.notifications_notification
    ADD CONSTRAINT one_notification_a_key UNIQUE (user_id, source, key);
ALTER TABLE ONLY public.dashboard_point
    ADD CONSTRAINT one_point_a_number UNIQUE (series_id, seq);
ALTER TABLE ONLY public.relay_count
    ADD CONSTRAINT relay_count_pkey PRIMARY KEY (channel);
ALTER TABLE ONLY public.relay_crowd
    ADD CONSTRAINT relay_crowd_pkey PRIMARY KEY (crowd, process);
ALTER TABLE ONLY public.relay_deployment
    ADD CONSTRAINT relay_deployment_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.relay_epoch
    ADD CONSTRAINT relay_epoch_pkey PRIMARY KEY (one);
ALTER TABLE ONLY public.relay_lease
    ADD CONSTRAINT relay_lease_pkey PRIMARY KEY (lane);
ALTER TABLE ONLY public.relay_letter
    ADD CONSTRAINT relay_letter_pkey PRIMARY KEY (mid);
ALTER TABLE ONLY public.relay_life
    ADD CONSTRAINT relay_life_pkey PRIMARY KEY (kind, name);
ALTER TABLE ONLY public.relay_member
    ADD CONSTRAINT relay_member_pkey PRIMARY KEY (crowd, channel);
ALTER TABLE ONLY public.relay_sender
    ADD CONSTRAINT relay_sender_pkey PRIMARY KEY (name);
CREATE INDEX auth_group_name_a6ea08ec_like ON public.auth_group USING btree (name varchar_pattern_ops);
CREATE INDEX auth_group_permissions_group_id_b120cbf9 ON public.auth_group_permissions USING btree (group_id);
CREATE INDEX auth_group_permissions_permission_id_84c5c92e ON public.auth_group_permissions USING btree (permission_id);
CREATE INDEX auth_permission_content_type_id_2f476e4b ON public.auth_permission USING btree (content_type_id);
CREATE INDEX auth_user_groups_group_id_97559544 ON public.auth_user_groups USING btree (group_id);
CREATE INDEX auth_user_groups_user_id_6a12ed8b ON public.auth_user_groups USING btree (user_id);
CREATE INDEX auth_user_user_permissions_permission_id_1fbb5f2c ON public.auth_user_user_permissions USING btree (permission_id);
CREATE INDEX auth_user_user_permissions_user_id_a95ead1b ON public.auth_user_user_permissions USING btree (user_id);
CREATE INDEX auth_user_username_6821ab7c_like ON public.auth_user USING btree (username varchar_pattern_ops);
CREATE INDEX busiest_rooms ON public.chatapp_room USING btree (head DESC, slug);
CREATE INDEX chatapp_grant_ends_2dee7f79 ON public.chatapp_grant USING btree (ends);
CREATE INDEX chatapp_grant_id_31daa380_like ON public.chatapp_grant USING btree (id varchar_pattern_ops);
CREATE INDEX chatapp_grant_session_key_b736bb8d ON public.chatapp_grant USING btree (session_key);
CREATE INDEX chatapp_grant_session_key_b736bb8d_like ON public.chatapp_grant USING btree (session_key varchar_pattern_ops);
CREATE INDEX chatapp_grant_user_id_c85062e1 ON public.chatapp_grant USING btree (user_id);
CREATE INDEX chatapp_idempotencykey_ends_fc07ea21 ON public.chatapp_idempotencykey USING btree (ends);
CREATE INDEX chatapp_idempotencykey_key_717b2ff5_like ON public.chatapp_idempotencykey USING btree (key varchar_pattern_ops);
CREATE INDEX chatapp_membership_user_id_bb191911 ON public.chatapp_membership USING btree (user_id);
CREATE INDEX chatapp_presence_channel_f8eee79e_like ON public.chatapp_presence USING btree (channel varchar_pattern_ops);
CREATE INDEX chatapp_presence_user_id_77a980d2 ON public.chatapp_presence USING btree (user_id);
CREATE INDEX chatapp_room_slug_d6994fbb_like ON public.chatapp_room USING btree (slug varchar_pattern_ops);
CREATE INDEX chatapp_ticket_ends_048b56c7 ON public.chatapp_ticket USING btree (ends);
CREATE INDEX chatapp_ticket_id_cd9bb3c0_like ON public.chatapp_ticket USING btree (id varchar_pattern_ops);
CREATE INDEX chatapp_ticket_user_id_98960516 ON public.chatapp_ticket USING btree (user_id);
CREATE INDEX chatapp_tries_begun_d09a75b9 ON public.chatapp_tries USING btree (begun);
CREATE INDEX chatapp_tries_key_a074c4a8_like ON public.chatapp_tries USING btree (key varchar_pattern_ops);
CREATE INDEX dashboard_duty_name_b5e20c28_like ON public.dashboard_duty USING btree (name varchar_pattern_ops);
CREATE INDEX dashboard_series_dashboard_62ba9805 ON public.dashboard_series USING btree (dashboard);
CREATE INDEX dashboard_series_dashboard_62ba9805_like ON public.dashboard_series USING btree (dashboard varchar_pattern_ops);
CREATE INDEX dashboard_series_name_a3cc3100_like ON public.dashboard_series USING btree (name varchar_pattern_ops);
CREATE INDEX dashboard_series_owner_id_7dc794f0 ON public.dashboard_series USING btree (owner_id);
CREATE INDEX django_admin_log_content_type_id_c4bce8eb ON public.django_admin_log USING btree (content_type_id);
CREATE INDEX django_admin_log_user_id_c564eba6 ON public.django_admin_log USING btree (user_id);
CREATE INDEX django_session_expire_date_a5c62663 ON public.django_session USING btree (expire_date);
CREATE INDEX django_session_session_key_c0390e0f_like ON public.django_session USING btree (session_key varchar_pattern_ops);
CREATE INDEX newest_notifications ON public.notifications_notification USING btree (user_id, created);
CREATE INDEX notifications_delivery_due_077cd774 ON public.notifications_delivery USING btree (due);
CREATE INDEX notifications_delivery_notification_id_ea8dc048 ON public.notifications_delivery USING btree (notification_id);
CREATE INDEX notifications_notification_user_id_b5e8c0ff ON public.notifications_notification USING btree (user_id);
CREATE INDEX old_notifications ON public.notifications_notification USING btree (created);
CREATE INDEX rate_of_a_sender ON public.chatapp_chatmessage USING btree (sender, sent);
CREATE INDEX read_notifications ON public.notifications_notification USING btree (read);
CREATE INDEX relay_lease_channel ON public.relay_lease USING btree (channel);
CREATE INDEX relay_member_process ON public.relay_member USING btree (process);
CREATE INDEX relay_message_channel ON ONLY public.relay_message USING btree (channel, id);
CREATE INDEX relay_message_deadline ON ONLY public.relay_message USING btree (deadline);
CREATE INDEX relay_message_durable_channel_id_idx ON public.relay_message_durable USING btree (channel, id);
CREATE INDEX relay_message_durable_deadline_idx ON public.relay_message_durable USING btree (deadline);
CREATE INDEX relay_message_lane ON ONLY public.relay_message USING btree (lane, id);
CREATE INDEX relay_message_durable_lane_id_idx ON public.relay_message_durable USING btree (lane, id);
CREATE INDEX relay_message_passing_channel_id_idx ON public.relay_message_passing USING btree (channel, id);
CREATE INDEX relay_message_passing_deadline_idx ON public.relay_message_passing USING btree (deadline);
CREATE INDEX relay_message_passing_lane_id_idx ON public.relay_message_passing USING btree (lane, id);
CREATE INDEX rooms_of_a_maker ON public.chatapp_room USING btree (maker, created);
CREATE INDEX rooms_to_announce ON public.chatapp_room USING btree (id) WHERE (announced < head);
CREATE INDEX rooms_without_messages ON public.chatapp_room USING btree (id) WHERE ((head = 0) AND ((maker)::text > ''::text));
CREATE INDEX what_is_unread ON public.notifications_notification USING btree (user_id, read, object);
CREATE INDEX who_causes_much ON public.notifications_notification USING btree (user_id, by, created);
CREATE INDEX who_is_here ON public.chatapp_presence USING btree (room_id, seen);
CREATE INDEX who_knows_of_it ON public.notifications_notification USING btree (object) WHERE (read IS NULL);
CREATE INDEX whose_token_ends ON public.chatapp_presence USING btree (expires);
ALTER INDEX public.relay_message_channel ATTACH PARTITION public.relay_message_durable_channel_id_idx;
ALTER INDEX public.relay_message_deadline ATTACH PARTITION public.relay_message_durable_deadline_idx;
ALTER INDEX public.relay_message_lane ATTACH PARTITION public.relay_message_durable_lane_id_idx;
ALTER INDEX public.relay_message_channel ATTACH PARTITION public.relay_message_passing_channel_id_idx;
ALTER INDEX public.relay_message_deadline ATTACH PARTITION public.relay_message_passing_deadline_idx;
ALTER INDEX public.relay_message_lane ATTACH PARTITION public.relay_message_passing_lane_id_idx;
ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissio_permission_id_84c5c92e_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES public.auth_permission(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_b120cbf9_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES public.auth_group(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_2f476e4b_fk_django_co FOREIGN KEY (content_type_id) REFERENCES public.django_content_type(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.auth_user_groups
    ADD CONSTRAINT auth_user_groups_group_id_97559544_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES public.auth_group(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.auth_user_groups
    ADD CONSTRAINT auth_user_groups_user_id_6a12ed8b_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permi_permission_id_1fbb5f2c_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES public.auth_permission(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permissions_user_id_a95ead1b_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.chatapp_chatmessage
    ADD CONSTRAINT chatapp_chatmessage_room_id_69308477_fk_chatapp_room_id FOREIGN KEY (room_id) REFERENCES public.chatapp_room(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.chatapp_grant
    ADD CONSTRAINT chatapp_grant_user_id_c85062e1_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.chatapp_membership
    ADD CONSTRAINT chatapp_membership_room_id_f66b06bb_fk_chatapp_room_id FOREIGN KEY (room_id) REFERENCES public.chatapp_room(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.chatapp_membership
    ADD CONSTRAINT chatapp_membership_user_id_bb191911_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.chatapp_presence
    ADD CONSTRAINT chatapp_presence_room_id_f1059782_fk_chatapp_room_id FOREIGN KEY (room_id) REFERENCES public.chatapp_room(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.chatapp_presence
    ADD CONSTRAINT chatapp_presence_user_id_77a980d2_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.chatapp_ticket
    ADD CONSTRAINT chatapp_ticket_user_id_98960516_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.dashboard_point
    ADD CONSTRAINT dashboard_point_series_id_b87ec117_fk_dashboard_series_id FOREIGN KEY (series_id) REFERENCES public.dashboard_series(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.dashboard_series
    ADD CONSTRAINT dashboard_series_owner_id_7dc794f0_fk_auth_user_id FOREIGN KEY (owner_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.django_admin_log
    ADD CONSTRAINT django_admin_log_content_type_id_c4bce8eb_fk_django_co FOREIGN KEY (content_type_id) REFERENCES public.django_content_type(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.django_admin_log
    ADD CONSTRAINT django_admin_log_user_id_c564eba6_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.notifications_delivery
    ADD CONSTRAINT notifications_delive_notification_id_ea8dc048_fk_notificat FOREIGN KEY (notification_id) REFERENCES public.notifications_notification(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.notifications_digest
    ADD CONSTRAINT notifications_digest_user_id_01fcc33e_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.notifications_notification
    ADD CONSTRAINT notifications_notification_user_id_b5e8c0ff_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;
