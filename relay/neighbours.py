"""
One process at a time for a memory layer and its database (P8).

Two servers with a memory layer each can share a database, but no message of one reaches the sockets of the other. So
the first holds a lock on a file beside the database, which names its pid and address, and the second is told them.
"""

import fcntl
import os
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from relay.exceptions import DatabaseShared

#: The open files whose locks this process holds. The kernel gives them up with the process, however that ends.
held: list[int] = []


def hold(layer: Any, address: str) -> None:
    """
    Hold the default database for this process, which serves `address`, as long as it lives. Raises DatabaseShared if
    another process does. Only SQLite in a file is held, and only for a layer in memory.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if not layer.local_only() or database.vendor != "sqlite" or database.is_in_memory_db():
        return
    path = Path("%s.server" % database.settings_dict["NAME"])
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        # Whoever can make no file there can't write to the database either, and is told so by it.
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(file, 200).decode(errors="replace").strip() or "unknown"
        os.close(file)
        raise DatabaseShared(
            "Another server (%s) uses the database %s with a channel layer in memory, and the two would not hear each "
            "other. Stop it, or set another database in DATABASES here, or a layer on Redis in CHANNEL_LAYERS for both."
            % (owner, database.settings_dict["NAME"])
        ) from None
    os.ftruncate(file, 0)
    os.write(file, b"pid %d, http://%s\n" % (os.getpid(), address.encode()))
    held.append(file)
