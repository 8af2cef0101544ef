"""Care for the database connections of a thread: checked before they are used, and known when they are lost."""

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.utils import InterfaceError, OperationalError

#: Seconds without use after which a connection is asked whether it still works: servers, and what stands between, cut
#: off what is idle (B14). In less time nothing is asked, so a busy thread pays nothing.
IDLE = 2.0
#: PostgreSQL's class of errors for what is used up, and the part of SQLite's error codes that says of what kind it is.
LACKS_RESOURCES, PRIMARY = "53", 0xFF

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
    return is_operational(error) and any(
        _local.had[connection.alias] > 1 or connection.connection is None or not connection.is_usable()
        for connection in used()
    )


def is_operational(error: BaseException) -> bool:
    """Whether an error, or what led to it, is one of those that a database raises when it is gone, among others."""
    return any(isinstance(cause, OperationalError | InterfaceError) for cause in causes(error))


def lacks_room(error: BaseException) -> bool:
    """Whether an error, or what led to it, says that the database has no disk, memory or connection left."""
    return any(
        str(getattr(cause, "pgcode", None)).startswith(LACKS_RESOURCES)
        or getattr(cause, "sqlite_errorcode", 0) & PRIMARY in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
        for cause in causes(error)
    )


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
