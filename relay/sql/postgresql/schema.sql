-- The tables of the database layer on PostgreSQL.
-- Unlogged tables are empty after a crash of the server, which costs what a lost Redis costs: frames on their way, groups
-- (put back by those who are in them) and leases (what was taken is delivered again). Times are seconds since the epoch.

-- Messages that wait or are taken. Those that don't expire survive a crash.
CREATE TABLE relay_message (
    id bigserial NOT NULL,
    durable boolean NOT NULL DEFAULT false,
    lane text NOT NULL,
    channel text NOT NULL,
    target text NOT NULL,
    mid text NOT NULL,
    body bytea NOT NULL,
    sent double precision NOT NULL,
    deadline double precision NOT NULL,
    tries integer NOT NULL DEFAULT 0
) PARTITION BY LIST (durable);
CREATE TABLE relay_message_durable PARTITION OF relay_message FOR VALUES IN (true);
CREATE UNLOGGED TABLE relay_message_passing PARTITION OF relay_message FOR VALUES IN (false);
CREATE INDEX relay_message_channel ON relay_message (channel, id);
CREATE INDEX relay_message_lane ON relay_message (lane, id);
CREATE INDEX relay_message_deadline ON relay_message (deadline);

-- Lanes in a reader's hands: `size` messages of `channel`, from the one with the id `first` on. Without a holder: lanes
-- that rest until then.
CREATE UNLOGGED TABLE relay_lease (
    lane text PRIMARY KEY,
    holder text NOT NULL,
    take bigint NOT NULL,
    channel text NOT NULL,
    first bigint NOT NULL,
    size integer NOT NULL,
    until double precision NOT NULL
);
CREATE INDEX relay_lease_channel ON relay_lease (channel);

-- Who lives, and until when that is sure: readers, interface processes, workers with what they say of themselves.
CREATE UNLOGGED TABLE relay_life (
    kind text NOT NULL,
    name text NOT NULL,
    until double precision NOT NULL,
    report text NOT NULL DEFAULT '',
    PRIMARY KEY (kind, name)
);

-- Members of groups; `process` is empty for ordinary channels.
CREATE UNLOGGED TABLE relay_member (
    crowd text NOT NULL,
    channel text NOT NULL,
    process text NOT NULL,
    until double precision NOT NULL,
    PRIMARY KEY (crowd, channel)
);
CREATE INDEX relay_member_process ON relay_member (process);

-- Interface processes that have members of a group, and how much their queues hold: what a broadcast looks at.
CREATE UNLOGGED TABLE relay_crowd (
    crowd text NOT NULL,
    process text NOT NULL,
    capacity integer NOT NULL,
    until double precision NOT NULL,
    PRIMARY KEY (crowd, process)
);

-- Messages that were given up.
CREATE TABLE relay_letter (
    mid text PRIMARY KEY,
    lane text NOT NULL,
    channel text NOT NULL,
    target text NOT NULL,
    body bytea NOT NULL,
    lifetime double precision NOT NULL,
    died double precision NOT NULL,
    attempts integer NOT NULL,
    reason text NOT NULL
);

-- What happened on each channel since the tables were made.
CREATE TABLE relay_count (
    channel text PRIMARY KEY,
    sent bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    expired bigint NOT NULL DEFAULT 0
);

-- The last call of each sender and what came of it, so that one whose answer was lost is not made twice.
CREATE UNLOGGED TABLE relay_sender (
    name text PRIMARY KEY,
    call bigint NOT NULL,
    answer integer[] NOT NULL,
    at double precision NOT NULL
) WITH (fillfactor = 50);

-- One row: when the tables were last cleaned up, and dead rows removed. Its name is new after a crash, for it is gone then.
CREATE UNLOGGED TABLE relay_epoch (
    one integer PRIMARY KEY DEFAULT 1,
    name text NOT NULL,
    swept double precision NOT NULL,
    vacuumed double precision NOT NULL DEFAULT 0
);
