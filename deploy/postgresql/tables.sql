-- Once, after the first `migrate`, as postgres: psql parley < tables.sql. For the tables that are written with every message.

-- A room's row is written anew with each message. With room on its page the new version lies beside the old one, no index
-- is touched, and the next reader clears the old one away.
ALTER TABLE chatapp_room SET (fillfactor = 20);
-- Presence: each keepalive of each socket.
ALTER TABLE chatapp_presence SET (fillfactor = 50);
-- Few rows, many versions: by number, not by share.
ALTER TABLE chatapp_room SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
ALTER TABLE chatapp_presence SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
