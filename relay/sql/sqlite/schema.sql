-- The tables of the database layer on SQLite. What each is for stands in postgresql/schema.sql.

CREATE TABLE relay_message (
    id integer PRIMARY KEY,
    lane text NOT NULL,
    channel text NOT NULL,
    target text NOT NULL,
    mid text NOT NULL,
    body blob NOT NULL,
    sent real NOT NULL,
    deadline real NOT NULL,
    tries integer NOT NULL DEFAULT 0
);
CREATE INDEX relay_message_channel ON relay_message (channel, id);
CREATE INDEX relay_message_lane ON relay_message (lane, id);
CREATE INDEX relay_message_deadline ON relay_message (deadline);

CREATE TABLE relay_lease (
    lane text PRIMARY KEY,
    holder text NOT NULL,
    take integer NOT NULL,
    channel text NOT NULL,
    first integer NOT NULL,
    size integer NOT NULL,
    until real NOT NULL
) WITHOUT ROWID;

CREATE TABLE relay_life (
    kind text NOT NULL,
    name text NOT NULL,
    until real NOT NULL,
    report text NOT NULL DEFAULT '',
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;

CREATE TABLE relay_member (
    crowd text NOT NULL,
    channel text NOT NULL,
    process text NOT NULL,
    until real NOT NULL,
    PRIMARY KEY (crowd, channel)
) WITHOUT ROWID;
CREATE INDEX relay_member_process ON relay_member (process);

CREATE TABLE relay_crowd (
    crowd text NOT NULL,
    process text NOT NULL,
    capacity integer NOT NULL,
    until real NOT NULL,
    PRIMARY KEY (crowd, process)
) WITHOUT ROWID;

CREATE TABLE relay_letter (
    mid text PRIMARY KEY,
    lane text NOT NULL,
    channel text NOT NULL,
    target text NOT NULL,
    body blob NOT NULL,
    lifetime real NOT NULL,
    died real NOT NULL,
    attempts integer NOT NULL,
    reason text NOT NULL
) WITHOUT ROWID;

CREATE TABLE relay_count (
    channel text PRIMARY KEY,
    sent integer NOT NULL DEFAULT 0,
    refused integer NOT NULL DEFAULT 0,
    expired integer NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE relay_epoch (
    one integer PRIMARY KEY DEFAULT 1,
    name text NOT NULL,
    swept real NOT NULL
);
