"""SQLite for several processes that write: no "database is locked", and a commit that survives a power cut."""

import random
import time
from sqlite3 import SQLITE_BUSY, Connection, OperationalError
from typing import Any

from django.db.backends.sqlite3 import base

#: Seconds that a writer waits for the others before it gives up.
LOCK_TIMEOUT = 30
#: Seconds between two of its tries, at least and at most.
LOCK_INTERVAL = 0.0003, 0.001


class DatabaseWrapper(base.DatabaseWrapper):
    """
    Django's SQLite backend, with these differences:

    - Transactions begin IMMEDIATE. A deferred one takes the write lock at its first write, and if someone else wrote
      since its first read, SQLite fails it at once, whatever the timeout ("database is locked").
    - The journal is a write-ahead log, so readers and the writer do not wait for each other.
    - `synchronous` is FULL: what was committed is on the disk. (NORMAL would lose the last commits with the power.)
    """

    def get_connection_params(self) -> dict[str, Any]:
        return {"timeout": LOCK_TIMEOUT, **super().get_connection_params()}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        connection = super().get_new_connection(conn_params)
        if not self.is_in_memory_db():
            use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        """
        SQLite itself asks for the lock less and less often, up to ten times a second, and mostly finds it taken: of two
        workers under load one would wait for a quarter of a second now and then. Here both ask every millisecond.
        """
        timeout = int(1000 * self.get_connection_params()["timeout"])
        give_up_at = time.monotonic() + timeout / 1000
        with self.wrap_database_errors:
            self.connection.execute("PRAGMA busy_timeout = 0")
            try:
                while not self.begun():
                    if time.monotonic() > give_up_at:
                        raise locked()
                    time.sleep(random.uniform(*LOCK_INTERVAL))
            finally:
                self.connection.execute("PRAGMA busy_timeout = %d" % timeout)

    def begun(self) -> bool:
        """Whether a transaction could be begun; False: another process has one."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except OperationalError as e:
            if "locked" not in str(e):
                raise
            return False
        return True


def locked() -> OperationalError:
    """What SQLite itself would raise."""
    error = OperationalError("database is locked: another process writes for very long")
    error.sqlite_errorcode, error.sqlite_errorname = SQLITE_BUSY, "SQLITE_BUSY"
    return error


def use_write_ahead_log(connection: Connection) -> None:
    """
    Switch the file to WAL unless it is (the mode stays with the file).

    The switch needs the file to itself and does not wait for it: where another process is just switching, that one
    will do, and the next connection finds it done.
    """
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except OperationalError as e:
        if "locked" not in str(e):
            raise
