"""
The time by the clock that all processes share: the database server's.

A worker's own clock may be wrong, or be set while it runs. Who is here, how fast somebody sends, and whether a token
has ended must not depend on which worker is asked (D26).
"""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

logger = logging.getLogger(__name__)

#: Seconds between two looks at the database's clock. Between them goes a clock that nobody sets.
LOOK = 5.0
#: An answer that took longer, in seconds, is asked for again, a few times at most: it may be as old as it took.
LATE, LOOKS = 0.1, 3
#: Seconds by which it must differ from what was expected to count as a jump.
JUMP = 10.0


class Clock:
    """The database's clock, as one process knows it. For all threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        #: What it showed at a monotonic time.
        self.known: tuple[datetime, float] | None = None
        #: When it was first seen, or last jumped: a monotonic time.
        self.jumped_at = time.monotonic()

    def now(self) -> datetime:
        with self.lock:
            if self.known is None or time.monotonic() - self.known[1] >= LOOK:
                self.look()
            assert self.known is not None
            shown, then = self.known
        return shown + timedelta(seconds=time.monotonic() - then)

    def look(self) -> None:
        took, shown, at = self.ask()
        for _ in range(LOOKS - 1):
            if took > LATE:
                took, shown, at = min((took, shown, at), self.ask())
        if self.known is not None:
            off = (shown - self.known[0]).total_seconds() - (at - self.known[1])
            # It may have shown that at any time since it was asked.
            if abs(off) > JUMP + took:
                self.jumped_at = at
                logger.warning("The database's clock jumped by %+.0f s", off)
        self.known = (shown, at)

    @staticmethod
    def ask() -> tuple[float, datetime, float]:
        """The seconds that it took, what the clock showed, and the monotonic time after that."""
        asked = time.monotonic()
        shown = database_time()
        at = time.monotonic()
        return at - asked, shown, at


def database_time() -> datetime:
    """SQLite has no clock but this machine's, which all its processes share."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0].astimezone(UTC)


clock = Clock()


def now() -> datetime:
    return clock.now()
