"""The Redis client: redis-py's, without what loses or doubles messages (A5, A21, A22)."""

import os
import select
import weakref
from typing import Any

import hiredis
import redis
from redis.exceptions import ReadOnlyError
from redis.sentinel import SentinelConnectionPool


class Client(redis.Redis):
    """
    redis-py's client, without its blind second try.

    redis-py 2.10.6 sends any command once more when the connection breaks under it, though the server may have
    carried it out: a message is pushed twice, or a popped one is lost. Here a broken connection raises. A connection
    that the server closed while it was idle is found before anything is sent on it, so a restart costs no error.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        forget_in_children(self.connection_pool)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        name = args[0]
        connection = self.connection_pool.get_connection(name, **options)
        try:
            if is_stale(connection):
                connection.disconnect()
            connection.send_packed_command(packed(connection, args))
            return self.parse_response(connection, name, **options)
        except redis.ResponseError as e:
            if is_read_only(e):
                # A master that is deposed. Whoever connects next finds the new one.
                connection.disconnect()
            raise
        except BaseException:
            # Its reply may still come; the next command must not take it for its own.
            connection.disconnect()
            raise
        finally:
            self.connection_pool.release(connection)


def packed(connection: redis.Connection, args: tuple[Any, ...]) -> list[bytes]:
    """A command as it goes over the wire."""
    try:
        return [hiredis.pack_command(args)]
    except TypeError:
        # What redis-py's own methods put into a command, and hiredis does not know.
        return connection.pack_command(*args)


class MasterPool(SentinelConnectionPool):
    """
    redis-py's pool of connections to a master that Sentinels know, for several threads.

    redis-py 2.10.6 closes all connections of the pool when it finds a new master, also those that other threads are
    using, and does so again for every connection it makes afterwards. A connection to the old master fails by itself.
    """

    def get_master_address(self) -> tuple[str, int]:
        return self.sentinel_manager.discover_master(self.service_name)


def is_read_only(error: redis.ResponseError) -> bool:
    """Whether a server says that it is a replica. redis-py has an error for that, but not where a script met it."""
    return isinstance(error, ReadOnlyError) or "READONLY" in str(error)


def is_stale(connection: redis.Connection) -> bool:
    """Whether an idle connection has something to read: then the server closed it, or an old reply lies there."""
    if connection._sock is None:
        return False
    poll = select.poll()
    poll.register(connection._sock, select.POLLIN)
    return bool(poll.poll(0))


def forget_in_children(pool: redis.ConnectionPool) -> None:
    """
    After a fork, the child starts with an empty pool. redis-py would notice by itself, and shut the connections down,
    which are the parent's too (A21).
    """
    reference = weakref.ref(pool)

    def forget() -> None:
        living = reference()
        if living is not None:
            for connection in list(living._available_connections) + list(living._in_use_connections):
                connection._sock = None
            living.reset()

    os.register_at_fork(after_in_child=forget)
