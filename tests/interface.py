"""An interface server within the test's process, real sockets to it, and an application to answer them."""

import base64
import os
import threading
from collections.abc import Callable, Iterator
from socket import create_connection
from socket import socket as RawSocket
from typing import Any

import pytest
from twisted.internet import defer, threads
from websockets.sync.client import ClientConnection, connect

from relay.layers.inmemory import ChannelLayer
from relay.reactor import reactor
from relay.server import Server
from tests.waiting import FACTOR, wait_until

PATIENCE = 20 * FACTOR
#: The bytes of a request.
GET = b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n"


class Application(threading.Thread):
    """
    A worker: it notes every message, accepts every socket, and answers every request with its path, unless a test gives
    a function for that channel in `on`.
    """

    def __init__(self, layer: Any):
        super().__init__(daemon=True)
        self.layer = layer
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.stopped = threading.Event()
        self.on: dict[str, Callable[[dict[str, Any]], Any]] = {
            "websocket.connect": lambda message: self.reply(message, accept=True),
            "http.request": lambda message: self.reply(message, status=200, content=message["path"].encode()),
        }

    def run(self) -> None:
        channels = ["http.disconnect", "http.request"]
        channels += ["websocket." + kind for kind in ("connect", "receive", "keepalive", "disconnect")]
        while not self.stopped.is_set():
            channel, message = self.layer.receive(channels, block=True)
            if channel is not None:
                self.seen.append((channel, message))
                self.on.get(channel, lambda message: None)(message)

    def reply(self, message: dict[str, Any], **content: Any) -> None:
        self.layer.send(message["reply_channel"], content)

    def messages(self, channel: str) -> list[dict[str, Any]]:
        return [message for name, message in self.seen if name == channel]

    def wait_for(self, channel: str, count: int = 1) -> list[dict[str, Any]]:
        """The first `count` messages on this channel, once they are there."""
        return wait_until(lambda: (found := self.messages(channel))[count - 1 :] and found, "%s is sent" % channel)


class InterfaceServer:
    """A running Server. `port` is where it listens."""

    def __init__(self, layer: Any, endpoint: str, **options: Any):
        self.layer = layer
        self.app = Application(layer)
        self.server = Server(layer, endpoints=[endpoint], **options)
        self.server.signal_handlers = False
        # The reactor is everybody's.
        self.server.stop = lambda: None
        self.server.prepare()
        self.app.start()
        self.call(self.server.start)
        wait_until(lambda: self.server.ports or self.server.exit_code, "it listens")
        assert not self.server.exit_code, "it can't listen"

    @property
    def port(self) -> int:
        return self.server.ports[0].getHost().port

    def call(self, function: Callable[[], Any]) -> Any:
        """Call a function in the reactor's thread, and wait until it is done."""
        return threads.blockingCallFromThread(reactor, lambda: defer.maybeDeferred(function))

    def protocols(self) -> list[Any]:
        return list(self.server.factory.reply_protocols.values())

    def socket(self, path: str = "/", **options: Any) -> ClientConnection:
        """A WebSocket, once it is accepted."""
        return connect("ws://127.0.0.1:%d%s" % (self.port, path), open_timeout=PATIENCE, max_size=None, **options)

    def request(self, raw: bytes, until: bytes = b"\r\n\r\n") -> bytes:
        """Send bytes on a connection of its own; returns what comes back up to these bytes, or to the end."""
        with self.raw(raw) as connection:
            return read_until(connection, until)

    def raw(self, data: bytes = b"") -> RawSocket:
        connection = create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        connection.sendall(data)
        return connection

    def stop(self) -> None:
        self.app.stopped.set()
        if not self.server.drain.begun:
            self.server.drain.patience = 0
            self.call(self.server.drain.run)


def read_until(connection: RawSocket, end: bytes) -> bytes:
    """Read until `end` or the end of the stream. Only new data is searched, as servers close slow readers."""
    data, seen = bytearray(), 0
    while data.find(end, seen) < 0:
        seen = max(0, len(data) - len(end))
        part = connection.recv(65536)
        if not part:
            break
        data += part
    return bytes(data)


def status(answer: bytes) -> int:
    """The status of an HTTP response."""
    return int(answer.split(b" ", 2)[1])


def handshake(*headers: bytes, path: bytes = b"/", host: bytes = b"localhost") -> bytes:
    """The bytes of a WebSocket handshake."""
    key = base64.b64encode(os.urandom(16))
    lines = [b"GET %s HTTP/1.1" % path, b"Host: " + host, b"Upgrade: websocket", b"Connection: Upgrade"]
    return b"\r\n".join([*lines, b"Sec-WebSocket-Key: " + key, b"Sec-WebSocket-Version: 13", *headers, b"", b""])


def masked(payload: bytes, opcode: int = 1) -> bytes:
    """The bytes of a client's frame, masked with zeros."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    else:
        length = bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


@pytest.fixture(scope="session")
def running_reactor() -> None:
    """Twisted's reactor, which can run only once in a process, in a thread of its own."""
    threading.Thread(target=lambda: reactor.run(installSignalHandlers=False), daemon=True).start()
    wait_until(lambda: reactor.running, "the reactor runs")


@pytest.fixture
def serve(running_reactor: None) -> Iterator[Callable[..., InterfaceServer]]:
    """A function that starts an interface server, on a layer in memory unless another is given."""
    made: list[InterfaceServer] = []

    def start(layer: Any = None, endpoint: str = "tcp:0:interface=127.0.0.1", **options: Any) -> InterfaceServer:
        made.append(InterfaceServer(layer or ChannelLayer(), endpoint, **options))
        return made[-1]

    yield start
    for server in made:
        server.stop()
