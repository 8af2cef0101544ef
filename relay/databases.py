"""Care for the database connections of a thread: checked before they are used, and known when they are lost."""

import threading
import time
from collections.abc import Iterator

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import InterfaceError, OperationalError

#: Seconds without use after which a connection is asked whether it still works: servers, and what stands between, cut
#: off what is idle (B14). In less time nothing is asked, so a busy thread pays nothing.
IDLE = 2.0

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


def was_lost(error: BaseException) -> bool:
    """
    Whether an error, or what led to it, comes from a database that is gone: then the same work may well succeed with
    another connection. A statement that the server refused is no such error.
    """
    return any(isinstance(cause, OperationalError | InterfaceError) for cause in causes(error)) and any(
        connection.connection is None or not connection.is_usable() for connection in used()
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
