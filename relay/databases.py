"""
The database connections of a thread: checked before they are used, and known when they are lost. And a table of which
errors are not the fault of the message, or the request, that they came up with.
"""

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.utils import DataError, InterfaceError, OperationalError

from relay import conf
from relay.exceptions import LayerUnavailable

#: Seconds without use after which a connection is asked whether it still works: servers, and what stands between, cut
#: off what is idle (B14). In less time nothing is asked, so a busy thread pays nothing.
IDLE = 2.0


class Trouble(NamedTuple):
    """What kind of error it is that is not the message's fault, and what is done about it."""

    name: str
    #: Seconds until the message is tried again.
    rest: float
    #: Seconds after which a client that waits for an answer should ask again.
    retry_after: int
    #: Whether this thread's connections are closed, so that the next try has a new one: after a failover the old one
    #: may lead to a server that only reads.
    reconnect: bool
    #: Whether it may be the message's fault after all, such as a query that never ends in time. Then it counts as a
    #: failure once the message is older than RELAY_DATABASE_PATIENCE.
    doubtful: bool


#: The database can't do its work: it is away, full, or can't be written.
AWAY = Trouble("away", rest=0.5, retry_after=5, reconnect=True, doubtful=False)
#: The connection broke, and the database can be reached: somebody ended it, or this message makes its server crash.
LOST = Trouble("lost", rest=0.5, retry_after=2, reconnect=True, doubtful=True)
#: Others were in the way, or it took too long.
BUSY = Trouble("busy", rest=0.1, retry_after=2, reconnect=False, doubtful=True)
#: The channel layer is away. That says nothing about the database's connections.
LAYER_AWAY = Trouble("layer away", rest=0.5, retry_after=5, reconnect=False, doubtful=False)

#: What an error is, by its code: PostgreSQL's SQLSTATE, or the class of it, which is its first two characters
#: (https://www.postgresql.org/docs/current/errcodes-appendix.html); or SQLite's primary result code
#: (https://www.sqlite.org/rescode.html). What is not here is the fault of the statement.
TROUBLES: dict[str | int, Trouble] = {
    "08": AWAY,  # The connection failed.
    "25006": AWAY,  # read_only_sql_transaction: a standby, or what was the master before a failover.
    "25P03": BUSY,  # idle_in_transaction_session_timeout: this process stood still.
    "25P04": BUSY,  # transaction_timeout
    "40": BUSY,  # A deadlock, or a transaction that could not be serialized.
    "53": AWAY,  # No disk or connection is left.
    "53200": BUSY,  # out_of_memory: maybe for this query alone.
    "53400": BUSY,  # configuration_limit_exceeded: temp_file_limit, likewise.
    "55P03": BUSY,  # lock_not_available: lock_timeout.
    "57": AWAY,  # It shuts down, starts, or an administrator ended the connection.
    "57014": BUSY,  # query_canceled: statement_timeout, or somebody cancelled it.
    "58": AWAY,  # Its disk or operating system fails it.
    sqlite3.SQLITE_BUSY: BUSY,  # Another process writes for very long.
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_PROTOCOL: BUSY,  # The same, in the write-ahead log.
    sqlite3.SQLITE_NOMEM: BUSY,
    sqlite3.SQLITE_CANTOPEN: AWAY,
    sqlite3.SQLITE_FULL: AWAY,
    sqlite3.SQLITE_IOERR: AWAY,
    sqlite3.SQLITE_READONLY: AWAY,
}
#: The part of SQLite's extended result codes that is the primary one.
PRIMARY = 0xFF

_local = threading.local()


def refresh() -> None:
    """
    Close this thread's connections that are too old, or broken; Django opens new ones when they are needed. Call it
    before each consumer.
    """
    now = time.monotonic()
    idle = now - getattr(_local, "used", now) > IDLE
    _local.used = now
    for connection in opened():
        connection.close_if_unusable_or_obsolete()
        if idle and connection.connection is not None and not connection.is_usable():
            connection.close()
    _local.had = Counter(connection.alias for connection in opened())
    _local.old = bool(_local.had)


def note_connection(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Count the connections that a thread has had since `refresh`, by alias."""
    if hasattr(_local, "had"):
        _local.had[connection.alias] += 1


connection_created.connect(note_connection)


def was_lost(error: BaseException) -> bool:
    """
    Whether an error, or what led to it, comes from a database whose connection broke since `refresh`: then the same
    work may well succeed with another. A statement that the server refused is no such error. Django may have opened
    another connection already: the end of `atomic` does.
    """
    had: dict[str, int] = getattr(_local, "had", {})
    return is_operational(error) and any(
        had.get(connection.alias, 0) > 1 or connection.connection is None or not connection.is_usable()
        for connection in used()
    )


def is_operational(error: BaseException) -> bool:
    """Whether an error, or what led to it, is one of those that a database raises when it is gone, among others."""
    return any(isinstance(cause, OperationalError | InterfaceError) for cause in causes(error))


def code_of(error: BaseException | None) -> str | int | None:
    """The SQLSTATE, or SQLite's primary result code, of an error or the last that led to it and has one."""
    for cause in causes(error):
        if (state := getattr(cause, "pgcode", None)) is not None:
            return str(state)
        if (result := getattr(cause, "sqlite_errorcode", None)) is not None:
            return int(result) & PRIMARY
    return None


def is_refused_value(error: BaseException | None) -> bool:
    """
    Whether a database refuses a value itself (SQLSTATE class 22), such as a character that its encoding lacks (22P05):
    it will do so each time (P5).
    """
    return any(isinstance(cause, DataError) for cause in causes(error))


def listed(code: str | int | None) -> Trouble | None:
    """What the table says about a code; None: that it is the statement's fault, or nothing."""
    if code is None:
        return None
    return TROUBLES.get(code) or (TROUBLES.get(code[:2]) if isinstance(code, str) else None)


def trouble_of(error: BaseException | None) -> Trouble | None:
    """What kind of error it is that is not the fault of what was done; None if it may well be, or there is none."""
    if any(isinstance(cause, LayerUnavailable) for cause in causes(error)):
        return LAYER_AWAY
    code = code_of(error)
    if code is not None:
        return listed(code)
    if error is None or not is_operational(error):
        return None
    # Without a code it is about the connection, as "too many clients already" is; or the program's own mistake.
    lost = was_lost(error)
    return AWAY if is_away() else LOST if lost else None


def excuse(error: BaseException | None, sent: Iterable[float | None] = ()) -> Trouble | None:
    """
    The trouble that a consumer had and its messages are not to blame for; None if they are, or there was no error. The
    thread's connections are closed if they should be.

    sent: when the messages were sent, in seconds since the epoch, as far as that is known. What is `doubtful` counts as
    their failure when that is longer ago than RELAY_DATABASE_PATIENCE.
    """
    trouble = trouble_of(error)
    if trouble is None:
        return None
    if trouble.reconnect:
        hang_up()
    oldest = min((moment for moment in sent if moment is not None), default=time.time())
    is_over = time.time() - oldest > conf.get("DATABASE_PATIENCE")
    return None if trouble.doubtful and is_over else trouble


def said(error: BaseException | None) -> str:
    """What an error says, in one line for the log: the rest quotes the statement."""
    return str(error).strip().split("\n")[0] or type(error).__name__


def hang_up() -> None:
    """Close this thread's connections, but those in a transaction, whose owner still has to end it."""
    for connection in list(opened()):
        if not connection.in_atomic_block:
            connection.close()


def deserves_another_try(error: BaseException) -> bool:
    """
    Whether a consumer may succeed now, on another connection: the one that it had broke; or had been open for longer
    and can't write (any more), as after a failover.
    """
    if was_lost(error):
        return not is_away()
    is_stale = trouble_of(error) is AWAY and getattr(_local, "old", False)
    if is_stale:
        hang_up()
    return is_stale and not is_away()


def is_away() -> bool:
    """Whether a database of this thread can't be reached now. What is broken is closed first."""
    for connection in used():
        try:
            if connection.connection is not None and not connection.is_usable():
                connection.close()
            connection.ensure_connection()
        except (OperationalError, InterfaceError):
            return True
    return False


def opened() -> Iterator[BaseDatabaseWrapper]:
    return (connection for connection in used() if connection.connection is not None)


def used() -> Iterator[BaseDatabaseWrapper]:
    """The databases that this thread has asked for, whether they are connected or not."""
    here = connections._connections
    return (getattr(here, alias) for alias in connections if hasattr(here, alias))


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what it was raised from or during."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
