"""
asgi_redis's layer, changed just enough to work on the current stack: no message is doubled by a lost connection
(A5), and messages can be read with a current msgpack (A6).
"""

import select
from typing import Any

import msgpack
import redis
from asgi_redis import core

from relay.layers.groups import CountedGroups
from relay.names import StrictNames


class Client(redis.Redis):
    """
    redis-py's client, without its blind second try.

    redis-py 2.10.6 sends any command once more when the connection breaks under it, though the server may have
    carried it out: a message is pushed twice, or a popped one is lost. Here a broken connection raises. A connection
    that the server closed while it was idle is found before anything is sent on it, so a restart costs no error.
    """

    def execute_command(self, *args: Any, **options: Any) -> Any:
        name = args[0]
        connection = self.connection_pool.get_connection(name, **options)
        try:
            if is_stale(connection):
                connection.disconnect()
            connection.send_command(*args)
            return self.parse_response(connection, name, **options)
        except redis.ResponseError:
            raise
        except BaseException:
            # Its reply may still come; the next command must not take it for its own.
            connection.disconnect()
            raise
        finally:
            self.connection_pool.release(connection)


def is_stale(connection: redis.Connection) -> bool:
    """Whether an idle connection has something to read: then the server closed it, or an old reply lies there."""
    if connection._sock is None:
        return False
    poll = select.poll()
    poll.register(connection._sock, select.POLLIN)
    return bool(poll.poll(0))


class RedisChannelLayer(StrictNames, CountedGroups, core.RedisChannelLayer):
    """asgi_redis's layer with our client, current msgpack, strict names, and group drops that are seen."""

    def _generate_connections(self, hosts: list[str], redis_kwargs: dict[str, Any]) -> list[Client]:
        return [Client.from_url(host, **redis_kwargs) for host in hosts]

    def serialize(self, message: dict[str, Any]) -> bytes:
        value = msgpack.packb(message, use_bin_type=True)
        return self.crypter.encrypt(value) if self.crypter else value

    def deserialize(self, message: bytes) -> dict[str, Any]:
        if self.crypter:
            message = self.crypter.decrypt(message, self.expiry + 10)
        return msgpack.unpackb(message, raw=False, strict_map_key=False)
