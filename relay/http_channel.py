"""One connection of the interface server while it speaks HTTP: how much of the reactor it gets, and for how long."""

import resource
import socket
import time
from typing import Any

from twisted.web import http

from relay import conf
from relay.reactor import reactor
from relay.wires import wire_of

#: Bytes that one turn of the reactor reads from a connection: at worst, they take some milliseconds to handle.
READ_SIZE = 16 * 1024
#: Digits of a Content-Length. No real length has more, and Python's `int` raises for 4300.
LENGTH_DIGITS = 18
#: File descriptors that are kept free for everything but connections: the layer, the database, logs.
RESERVE = 128

TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 413 Request Entity Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class HTTPChannel(http.HTTPChannel):
    """
    Twisted's connection, whose time-out restarts with each byte, so a slow drip of bytes keeps it open for ever (S9).

    Twisted answers all pipelined requests of one read before it turns to other connections; here each request has a
    turn of its own. While the client doesn't read a response, Twisted keeps whatever it sends; here it stops reading
    (S1).
    """

    factory: Any
    transport: Any
    _buffer: bytes
    _networkProducer: Any
    #: Monotonic: since when the head of a request comes in, and since when its body is measured; None: it doesn't.
    head_since: float | None = None
    body_since: float | None = None
    #: Bytes of the body that have come since then.
    body_bytes = 0
    #: Bytes that have come behind the request that is being answered.
    early_bytes = 0
    next_turn: Any = None

    # Beginning and ending

    def connectionMade(self) -> None:
        self.wire = wire_of(self.transport)
        self.wire.bufferSize = READ_SIZE
        super().connectionMade()
        self.head_since = time.monotonic()
        if self.factory.channels.enter(self):
            return
        if self.isSecure():
            # An answer would have to wait for the TLS handshake.
            self.transport.abortConnection()
        else:
            self.refuse(TOO_MANY)

    def refuse(self, answer: bytes) -> None:
        """Answer in the place of any request, and end the connection."""
        self.transport.write(answer)
        self.loseConnection()

    def connectionLost(self, reason: Any) -> None:  # type: ignore[override]
        self.leave()
        super().connectionLost(reason)

    def leave(self) -> None:
        """It ends, or is a WebSocket from now on."""
        self.factory.channels.leave(self)
        if self.next_turn is not None:
            self.next_turn.cancel()
            self.next_turn = None

    # A request's time

    def dataReceived(self, data: bytes) -> None:
        if self.line_mode and self.head_since is None and (data or self._buffer):
            self.head_since = time.monotonic()
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:
        if self.requests[-1].is_hopeless(self.length):
            # Nobody wants to be sent all that only to refuse it (S10).
            self.refuse(TOO_LARGE)
            return
        self.head_since, self.body_since, self.body_bytes = None, time.monotonic(), 0
        super().allHeadersReceived()

    def check(self, now: float) -> None:
        """Called every two seconds: end the connection of a request that takes too long to come in."""
        patience = self.factory.channels.patience
        if self.head_since is not None and now - self.head_since > patience:
            # Browsers connect before they know what to ask for; a status would be their next request's answer.
            self.give_up(self._receivedHeaderSize or self._buffer)
        elif self.body_since is not None and now - self.body_since > patience:
            wanted = self.factory.channels.body_rate * (now - self.body_since)
            if self.body_bytes < wanted and not self.unread():
                self.give_up(True)
            self.body_since, self.body_bytes = now, 0

    def unread(self) -> bool:
        """Whether something waits in the kernel for us to read: then it is not the client who is slow."""
        try:
            return bool(self.wire.socket.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def give_up(self, answer: Any) -> None:
        self.factory.channels.slow += 1
        self.head_since = self.body_since = None
        if answer:
            self.transport.write(TOO_SLOW)
        self.timeoutConnection()

    # A request's bytes

    def _maybeChooseTransferDecoder(self, header: bytes, data: bytes) -> bool:
        if header == b"Content-Length" and len(data) > LENGTH_DIGITS and data.isdigit():
            data = b"9" * LENGTH_DIGITS
        if header == b"Transfer-Encoding" and data.lower() == b"identity":
            # Twisted takes it for no header at all, and a proxy may not: it is none any more (RFC 9112, section 7).
            return self._failChooseTransferDecoder()
        return super()._maybeChooseTransferDecoder(header, data)

    def rawDataReceived(self, data: bytes) -> None:
        if not self._handlingRequest:
            self.body_bytes += len(data)
            super().rawDataReceived(data)
            return
        # Twisted adds up all pieces with each, and goes on reading if the client does not read.
        self._dataBuffer.append(data)
        self.early_bytes += len(data)
        if self.early_bytes > self._optimisticEagerReadSize:
            self._networkProducer.pauseProducing()

    def allContentReceived(self) -> None:
        self.body_since = None
        self.early_bytes = sum(map(len, self._dataBuffer))
        super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        super().requestDone(request)
        if self._busyReceiving and self._buffer and self.persistent:
            # It was answered at once, and there are more: they wait for their turn.
            self.paused = True
            self._networkProducer.pauseProducing()
            self.next_turn = reactor.callLater(0, self.take_turn)

    def take_turn(self) -> None:
        self.next_turn = None
        self.paused = False
        self.dataReceived(b"")
        if not (self.paused or self._handlingRequest or self._waitingForTransport):
            self._networkProducer.resumeProducing()

    def resumeProducing(self) -> None:
        super().resumeProducing()
        if self.paused:
            self._networkProducer.pauseProducing()


class Channels:
    """All connections of an interface server that speak HTTP, and how many there may be with its sockets."""

    def __init__(self, ws_factory: Any):
        self.ws_factory = ws_factory
        self.limit = connection_limit()
        #: Seconds for the head of a request, and bytes a second of its body.
        self.patience = conf.get("REQUEST_TIMEOUT") or float("inf")
        self.body_rate = conf.get("MIN_BODY_RATE")
        self.open: set[HTTPChannel] = set()
        #: How many were refused, and cut off for taking too long.
        self.refused = self.slow = 0

    def enter(self, channel: HTTPChannel) -> bool:
        """Whether there is room for this one."""
        self.open.add(channel)
        if self.limit and len(self.open) + self.ws_factory.countConnections > self.limit:
            self.refused += 1
            return False
        return True

    def leave(self, channel: HTTPChannel) -> None:
        self.open.discard(channel)

    def check(self, now: float) -> None:
        for channel in list(self.open):
            channel.check(now)


def connection_limit() -> int:
    """RELAY_MAX_CONNECTIONS; unless it is set, what the system's limit on descriptors leaves."""
    limit: int | None = conf.get("MAX_CONNECTIONS")
    if limit is not None:
        return limit
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 0 if descriptors == resource.RLIM_INFINITY else max(descriptors - RESERVE, descriptors // 2)
