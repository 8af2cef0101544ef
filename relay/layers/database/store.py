"""
Where the database layer keeps its messages: what both databases do alike. `relay/sql/postgresql/schema.sql` tells what
each table is for.

A method that takes a cursor is part of a transaction; the others are one, or part of the caller's if it has one on this
database.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypeVar

from django.db import connections, transaction
from django.db.utils import InterfaceError, InternalError, OperationalError, ProgrammingError

from relay import databases
from relay.exceptions import LayerUnavailable
from relay.layers.delivery import Outgoing
from relay.layers.remote import Remote

T = TypeVar("T")


class Room(NamedTuple):
    """A channel that is sent to."""

    channel: str
    #: Messages that may wait on it; None: whoever sends knows that there is room.
    capacity: int | None
    #: Seconds that they are kept; infinity: they are durable.
    expiry: float
    #: Messages that may wait in one lane, however full the channel is.
    share: int = 0


class Call(NamedTuple):
    """
    Whose sending this is, so that it has its effect once though it may be tried twice. Without a sender: it is part of
    a transaction, and is not tried again by itself.
    """

    sender: str = ""
    number: int = 0
    again: bool = False


class End(NamedTuple):
    """Of a lease, or of its first part."""

    lane: str
    take: int
    #: Ids of messages that are handled.
    done: list[int]
    #: How many messages are left in hand, and the id of the next of them.
    left: int
    next: int


class Taken(NamedTuple):
    """A message that a reader gets."""

    lane: str
    id: int
    channel: str
    target: str
    mid: str
    body: bytes
    sent: float
    tries: int


class Store(Remote):
    """The tables in one database. alias: as in DATABASES."""

    #: The present time, in SQL.
    NOW: str
    #: What ends a choice of rows: it locks them, where others may write meanwhile.
    LOCK = ""

    def __init__(self, alias: str):
        super().__init__("The database %r of the channel layer" % alias)
        self.alias = alias

    @property
    def connection(self) -> Any:
        """This thread's."""
        return connections[self.alias]

    @property
    def in_transaction(self) -> bool:
        """Whether this thread has begun one, which all that it does here is part of."""
        return self.connection.in_atomic_block

    def do(self, work: Callable[[Any], T], whole: bool = False, durable: bool = False) -> T:
        """
        Call `work` with a cursor, in a transaction. Raises LayerUnavailable if the database can't be reached; then it
        is not known whether it was committed. Within the caller's transaction it raises what Django does.

        whole: it is one statement, which is its own transaction, or only reads.
        durable: it must be on the disk when this returns.
        """
        connection = self.connection
        if connection.in_atomic_block:
            with connection.cursor() as cursor:
                return work(cursor)
        try:
            if whole:
                with connection.cursor() as cursor:
                    answer = work(cursor)
            else:
                with self.atomic(durable), connection.cursor() as cursor:
                    answer = work(cursor)
        except (OperationalError, InterfaceError, InternalError, ProgrammingError) as e:
            self.fail(e)
            raise LayerUnavailable("%s can't be reached: %s" % (self.name, str(e).strip())) from e
        self.answered()
        return answer

    def fail(self, error: Exception) -> None:
        """
        Let go of the connection, unless others were only in the way: the next try has a fresh one, which may lead to
        another server after a failover. Raises what no waiting would mend.
        """
        if isinstance(error, ProgrammingError | OperationalError) and is_missing(error):
            self.failed(error)
            problem = str(error).strip().split("\n")[0]
            raise LayerUnavailable("%s lacks its tables (%s): run manage.py migrate" % (self.name, problem)) from error
        if isinstance(error, ProgrammingError):
            raise error
        if databases.listed(databases.code_of(error)) is not databases.BUSY:
            self.connection.close()
        self.failed(error)

    def atomic(self, durable: bool) -> AbstractContextManager[Any]:
        return transaction.atomic(using=self.alias)

    # Statements

    def select(self, cursor: Any, statement: str, params: Sequence[Any] = ()) -> list[Any]:
        """The rows; `{now}` in a statement is the present time."""
        cursor.execute(statement.replace("{now}", self.NOW), params)
        return cursor.fetchall()

    def change(self, cursor: Any, statement: str, params: Sequence[Any] = ()) -> int:
        """How many rows were changed."""
        cursor.execute(statement.replace("{now}", self.NOW), params)
        return max(cursor.rowcount, 0)

    def insert(self, cursor: Any, rows: list[tuple[Any, ...]]) -> None:
        """Put messages into their lanes: `columns_of` each, and its expiry. On PostgreSQL none that is durable."""
        values = "(%%s, %%s, %%s, %%s, %%s, %s, %s + %%s)" % (self.NOW, self.NOW)
        columns = "lane, channel, target, mid, body, sent, deadline"
        cursor.executemany("INSERT INTO relay_message (%s) VALUES %s" % (columns, values), rows)

    # What each database does in its way

    def send(
        self, call: Call, rooms: list[Room], which: list[int], messages: list[Outgoing]
    ) -> tuple[list[int], list[int]]:
        """
        Put messages at the ends of their lanes; `which` of the rooms each is for. Returns the positions of those that
        were refused since their channels are full, or come behind one that was; and how many more each room takes, of
        those with a capacity.
        """
        raise NotImplementedError

    def take(
        self, holder: str, lease: float, take: int, names: list[str], limit: int, ends: list[End]
    ) -> tuple[list[Taken], int]:
        """
        Acknowledge what ends, and lease the next messages under this number: lane by lane, of each what is alive and of
        one channel; what failed before alone. Returns them, and how many acknowledgements came too late.
        """
        raise NotImplementedError

    def acknowledge(self, holder: str, ends: list[End]) -> int:
        """Returns how many leases the reader no longer had."""
        raise NotImplementedError

    def group_add(
        self, group: str, process: str, channels: list[str], room: Room, lease: float, tell: Outgoing | None
    ) -> None:
        """
        Make channels of an interface process members of a group, or renew them, for the room's expiry, and tell the
        process. A process that was never heard of counts as living for `lease` seconds.
        """
        raise NotImplementedError

    def group_send(
        self, call: Call, groups: list[str], which: list[int], messages: list[tuple[str, bytes]], expiry: float
    ) -> list[tuple[str, int, int, list[str]]]:
        """
        Send (id, body) to each process that has members of its group. Returns rows of process, which group, messages
        that found its queue full, []; and for ordinary channels "", which group, 0, the channels.
        """
        raise NotImplementedError

    def ring(self, cursor: Any, channels: Iterable[str]) -> None:
        """Wake whoever waits for these, when the transaction commits."""
        raise NotImplementedError

    def make_bell(self, reader: str) -> Any:
        """What a reader waits with: see `fifos.Fifo` and `listener.Bell`."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what this process has for waiting."""

    def use_pulse(self, seconds: float) -> None:
        """Have this thread's connection find out in so many seconds that its server is gone without a word."""

    def tidy(self) -> None:
        """What a database needs now and then."""


def is_missing(error: Exception) -> bool:
    """Whether the tables are not there."""
    return "no such table" in str(error) or getattr(error.__cause__, "pgcode", "") in ("42P01", "42883")


def columns_of(message: Outgoing) -> tuple[str, str, str, str, bytes]:
    return message.lane, message.channel, message.target, message.id, message.body


def marks(values: Sequence[Any]) -> str:
    """Placeholders for these, in a list."""
    return ", ".join(["%s"] * len(values))
