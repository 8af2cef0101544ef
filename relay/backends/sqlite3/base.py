"""SQLite for several processes that write: no "database is locked", and a commit that survives a power cut."""

from sqlite3 import Connection, OperationalError
from typing import Any

from django.db.backends.sqlite3 import base

#: Seconds that a writer waits for the others before it gives up.
LOCK_TIMEOUT = 30


class DatabaseWrapper(base.DatabaseWrapper):
    """
    Django's SQLite backend, with three differences:

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
        self.cursor().execute("BEGIN IMMEDIATE")


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
