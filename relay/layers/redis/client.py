"""
The Redis client: redis-py's, without what loses or doubles messages (A5, A21, A22).

It needs what redis-py does not promise to keep: `_sock` of a connection, and connections that no pool counts.
"""

import os
import select
import ssl
import weakref
from typing import Any

import hiredis
import redis
from redis.exceptions import ReadOnlyError

from relay.layers.redis.addresses import Login, options_of

#: Connections that a client may make in all: redis-py's default is 100, and each thread that waits has one of its own.
MANY = 2**31


class Client(redis.Redis):
    """
    redis-py's client, without a second try, a limit of connections, and most of what its pool does for each command.

    redis-py may be told to send a command once more when the connection breaks under it, though the server may have
    carried it out: a message is pushed twice, or a popped one is lost. Here a broken connection raises. A connection
    that the server closed while it was idle is found before anything is sent on it, so a restart costs no error.
    """

    def __init__(self, **options: Any):
        super().__init__(**options)
        #: Connections that nobody uses. redis-py's pool only makes them: its locks and records take longer than a send.
        self.idle: list[Any] = []
        forget_in_children(self)

    @classmethod
    def to(cls, url: str, defaults: dict[str, Any], **fixed: Any) -> "Client":
        """A client for the server with this URL, which says more than `defaults`, and less than `fixed`."""
        return cls(connection_pool=redis.ConnectionPool(**completed({**defaults, **options_of(url), **fixed})))

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            connection = self.idle.pop()
        except IndexError:
            connection = self.connection_pool.make_connection()
        try:
            connect(connection)
            connection.send_packed_command(packed(connection, args), check_health=False)
            return self.parse_response(connection, args[0], **options)
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
            self.idle.append(connection)

    def close(self) -> None:
        super().close()
        # Other threads may go on taking connections.
        idle, self.idle = self.idle, []
        for connection in idle:
            connection.disconnect()


def completed(options: dict[str, Any]) -> dict[str, Any]:
    """Options of connections, with what the layer needs of them."""
    needed: dict[str, Any] = {
        # In version 3 a server may say what nobody has asked for.
        "protocol": 2,
        # The name of redis-py for CLIENT LIST would cost two round trips for each connection.
        "driver_info": None,
        # Also with what does not go through `execute_command`, such as a pipeline, and whatever an address says.
        "retry": None,
        "retry_on_timeout": False,
        "retry_on_error": [],
        "redis_connect_func": Login(options.get("username")),
    }
    return {"max_connections": MANY, **options, **needed}


def packed(connection: Any, args: tuple[Any, ...]) -> list[bytes]:
    """A command as it goes over the wire."""
    try:
        if " " not in args[0]:
            return [hiredis.pack_command(args)]
    except TypeError:
        pass  # It has something in it that redis-py's own methods put into a command, and hiredis does not know.
    return connection.pack_command(*args)


def connect(connection: Any) -> None:
    """Make sure that something can be sent on a connection. Raises redis.ConnectionError or redis.TimeoutError."""
    if is_stale(connection):
        connection.disconnect()
    if connection._sock is None:
        try:
            connection.connect()
        except redis.ConnectionError as e:
            if isinstance(e.__context__, ssl.SSLCertVerificationError):
                raise redis.ConnectionError(
                    "%s Its certificate is refused here: name the file of its authority in the URL with "
                    "?ssl_ca_certs=, or accept any certificate with ?ssl_cert_reqs=none." % e
                ) from e
            raise


def is_read_only(error: redis.ResponseError) -> bool:
    """Whether a server says that it is a replica. redis-py has an error for that, but not where a script met it."""
    return isinstance(error, ReadOnlyError) or "READONLY" in str(error)


def is_stale(connection: Any) -> bool:
    """Whether an idle connection has something to read: then the server closed it, or an old reply lies there."""
    sock = connection._sock
    if sock is None:
        return False
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    if not poll.poll(0):
        return False
    return not isinstance(sock, ssl.SSLSocket) or has_data(sock)


def has_data(sock: ssl.SSLSocket) -> bool:
    """Whether what came is more than TLS's own, such as a session ticket, which reading deals with."""
    timeout = sock.gettimeout()
    sock.settimeout(0)
    try:
        sock.recv(1)
    except ssl.SSLWantReadError:
        return False
    except OSError:
        return True
    finally:
        sock.settimeout(timeout)
    return True


def forget_in_children(client: Client) -> None:
    """After a fork, the connections are the parent's (A21). The child closes its copies, which ends none of them."""
    reference = weakref.ref(client)

    def forget() -> None:
        living = reference()
        if living is not None:
            living.idle.clear()

    os.register_at_fork(after_in_child=forget)
