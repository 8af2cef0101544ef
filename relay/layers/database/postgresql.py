"""The store on PostgreSQL: what is done for each message is a function of `relay/sql/postgresql`, one round trip."""

import contextlib
import functools
import logging
import threading
import weakref
from collections.abc import Iterable
from typing import Any

import psycopg2
from django.db import DatabaseError, connections

from relay.exceptions import LayerUnavailable
from relay.layers.database.figures import Figures
from relay.layers.database.groups import Groups
from relay.layers.database.listener import Bell, Listener, hears
from relay.layers.database.lives import Lives
from relay.layers.database.schema import TABLES
from relay.layers.database.store import Call, End, Room, Taken
from relay.layers.delivery import Outgoing

logger = logging.getLogger(__name__)

#: Seconds between two removals of dead rows. The server's own come once a minute, and tables that live as fast as
#: these are full of them by then.
VACUUM = 10.0
ENDS = "text[], bigint[], integer[], bigint[], bigint[], integer[]"
#: The functions, with the types of what they take.
FUNCTIONS = {
    "send": "text, bigint, boolean, text[], integer[], float8[], integer[], integer[], text[], text[], text[], bytea[]",
    "take": "text, float8, boolean, bigint, text[], integer, " + ENDS,
    "acknowledge": "text, " + ENDS,
    "group_add": "text, text, text[], float8, integer, float8, text, text, bytea",
    "group_send": "text, bigint, boolean, text[], integer[], text[], bytea[], float8",
    "ring": "text[]",
}


#: Connection → functions that it has prepared; None: it can't, as it leads to a pooler.
PREPARED: weakref.WeakKeyDictionary[Any, set[str] | None] = weakref.WeakKeyDictionary()


class PostgresqlStore(Lives, Groups, Figures):
    """As many processes as you like, on any machine that reaches the server."""

    NOW = "extract(epoch FROM clock_timestamp())::double precision"
    SKIP = "FOR UPDATE OF m SKIP LOCKED"
    LOCK = "FOR UPDATE"
    DURABLE = (", durable", ", lifetime = 'infinity'")

    def __init__(self, alias: str, direct_url: str = ""):
        super().__init__(alias)
        self.direct_url = direct_url
        self.listener = Listener(self.connect, self.name)
        #: Whether this thread's connection has the limits of `use_pulse`.
        self.pulses = threading.local()

    def connect(self) -> Any:
        """A connection of our own to listen on, made as Django makes its, or to `direct_url`."""
        connection = self.connection
        # Others of this process wait while it is made.
        limits = {"connect_timeout": 5, "tcp_user_timeout": 5000}
        if self.direct_url:
            return psycopg2.connect(self.direct_url, **limits)
        return connection.get_new_connection({**connection.get_connection_params(), **limits})

    def use_pulse(self, seconds: float) -> None:
        if getattr(self.pulses, "set", False):
            return
        self.pulses.set = True
        connection = self.connection
        limits = {"connect_timeout": 2, "tcp_user_timeout": int(seconds * 1000)}
        settings = {**connection.settings_dict, "OPTIONS": {**connection.settings_dict["OPTIONS"], **limits}}
        connection.close()
        connections[self.alias] = type(connection)(settings, self.alias)

    def call(self, cursor: Any, name: str, params: list[Any]) -> list[Any]:
        """
        Call a function, which each connection prepares when it needs it first. One that leads to a pooler prepares
        nothing: what comes next may be done in another session (P3).
        """
        connection = self.connection.connection
        if connection not in PREPARED:
            PREPARED[connection] = None if leads_to_pooler(connection, cursor) else set()
        prepared = PREPARED[connection]
        if prepared is None:
            cursor.execute(self.SELECT[name], params)
            return cursor.fetchall()
        if name not in prepared:
            marks = ", ".join("$%d" % number for number in range(1, len(params) + 1))
            select = "SELECT * FROM relay_%s(%s)" % (name, marks)
            cursor.execute("PREPARE relay_%s (%s) AS %s" % (name, FUNCTIONS[name], select))
            prepared.add(name)
        cursor.execute(self.EXECUTE[name], params)
        return cursor.fetchall()

    #: The statements for each of the functions: where it is prepared, and where it is not.
    EXECUTE = {
        name: "EXECUTE relay_%s (%s)" % (name, ", ".join(["%s"] * len(types.split(","))))
        for name, types in FUNCTIONS.items()
    }
    SELECT = {
        name: "SELECT * FROM relay_%s (%s)" % (name, ", ".join("%s::" + kind for kind in types.split(", ")))
        for name, types in FUNCTIONS.items()
    }

    def send(
        self, call: Call, rooms: list[Room], which: list[int], messages: list[Outgoing]
    ) -> tuple[list[int], list[int]]:
        channels = [room.channel for room in rooms]
        capacities = [-1 if room.capacity is None else room.capacity for room in rooms]
        expiries = [room.expiry for room in rooms]
        _, lanes, targets, mids, bodies = map(list, zip(*messages, strict=True))
        # PostgreSQL counts from 1.
        numbers = [number + 1 for number in which]
        shares = [room.share for room in rooms]
        params = [*call, channels, capacities, expiries, shares, numbers, lanes, targets, mids, bodies]
        ((refused, left),) = self.do(lambda cursor: self.call(cursor, "send", params), whole=True)
        return [place - 1 for place in refused], left

    def take(
        self, holder: str, lease: float, take: int, names: list[str], limit: int, ends: list[End]
    ) -> tuple[list[Taken], int]:
        params = [holder, lease, not self.in_transaction, take, names, limit, *arrays(ends)]
        *rows, last = self.do(lambda cursor: self.call(cursor, "take", params), whole=True)
        return [Taken(*row)._replace(body=bytes(row[5])) for row in rows], last[-1]

    def acknowledge(self, holder: str, ends: list[End]) -> int:
        def work(cursor: Any) -> int:
            ((lost, freed),) = self.call(cursor, "acknowledge", [holder, *arrays(ends)])
            self.ring_lanes(cursor, freed)
            return lost

        return self.do(work)

    def group_add(
        self, group: str, process: str, channels: list[str], room: Room, lease: float, tell: Outgoing | None
    ) -> None:
        told = (tell.target, tell.id, tell.body) if tell else ("", "", b"")
        params = [group, process, channels, room.expiry, room.capacity, lease, *told]
        self.do(lambda cursor: self.call(cursor, "group_add", params), whole=True)

    def group_send(
        self, call: Call, groups: list[str], which: list[int], messages: list[tuple[str, bytes]], expiry: float
    ) -> list[tuple[str, int, int, list[str]]]:
        mids, bodies = map(list, zip(*messages, strict=True))
        params = [*call, groups, [number + 1 for number in which], mids, bodies, expiry]
        found = self.do(lambda cursor: self.call(cursor, "group_send", params), whole=True)
        return [(process, number - 1, missed, members or []) for process, number, missed, members in found]

    def ring(self, cursor: Any, channels: Iterable[str]) -> None:
        self.call(cursor, "ring", [sorted(channels)])

    def hears(self, seconds: float) -> bool:
        """Whether those who wait are woken: False behind a pooler that keeps notifications. Raises psycopg2.Error."""

        def ring(name: str) -> None:
            with self.connection.cursor() as cursor:
                cursor.execute("NOTIFY " + name)

        with contextlib.closing(self.connect()) as listening:
            return hears(listening, ring, seconds)

    def make_bell(self, reader: str) -> Bell:
        return Bell(self.listener)

    def tidy(self) -> None:
        """Remove dead rows, if it is time for that, beside everything else: nobody waits for it."""
        claim = "UPDATE relay_epoch SET vacuumed = {now} WHERE vacuumed < {now} - %s"
        if self.do(lambda cursor: self.change(cursor, claim, [VACUUM]), whole=True):
            threading.Thread(target=self.vacuum, name="relay-vacuum", daemon=True).start()

    def vacuum(self) -> None:
        try:
            self.vacuum_all()
        except (LayerUnavailable, DatabaseError) as e:
            logger.warning("Dead rows could not be removed, which is tried again: %s", e)
        finally:
            self.connection.close()

    def vacuum_all(self) -> None:
        for table in ("relay_message_durable", "relay_message_passing", *TABLES[1:5]):
            statement = "VACUUM (SKIP_LOCKED, TRUNCATE false, ANALYZE) %s" % table
            self.do(functools.partial(self.change, statement=statement), whole=True)

    def close(self) -> None:
        self.listener.close()


def leads_to_pooler(connection: Any, cursor: Any) -> bool:
    """Whether there is a pooler (PgBouncer and others) in between: it gives a client another pid than the session's."""
    cursor.execute("SELECT pg_backend_pid()")
    (pid,) = cursor.fetchone()
    return bool(pid != connection.get_backend_pid())


def arrays(ends: list[End]) -> list[list[Any]]:
    """What `relay_acknowledge` takes."""
    return [
        [end.lane for end in ends],
        [end.take for end in ends],
        [end.left for end in ends],
        [end.next for end in ends],
        [number for end in ends for number in end.done],
        [place for place, end in enumerate(ends, 1) for _ in end.done],
    ]
