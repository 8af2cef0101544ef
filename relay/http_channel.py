"""One connection of the interface server, as long as it speaks HTTP: what a client may send, and how slowly."""

import resource
from typing import Any

from twisted.internet import tcp
from twisted.internet.protocol import connectionDone
from twisted.protocols import basic
from twisted.web import http

#: Bytes that are read at once. A body in chunks of one byte costs the reactor a hundred times as much as any other,
#: so this is how long such a client may keep the reactor to itself: some milliseconds.
READ_SIZE = 16 * 1024
#: Bytes of a body that must come within the idle time limit.
LEAST_PROGRESS = 16 * 1024
#: Digits of a Content-Length. More is no length of anything, and Python refuses to read some thousands.
LENGTH_DIGITS = 18
#: Descriptors that a server keeps for everything but connections.
RESERVED_DESCRIPTORS = 64


def default_limit() -> int:
    """How many connections the system lets this process have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, soft - RESERVED_DESCRIPTORS)


class HTTPChannel(http.HTTPChannel):
    """
    Twisted's channel, with limits that it lacks (docs/reactor.md).

    Twisted gives a connection another minute with each byte, so a head that drips keeps its connection for ever (S9);
    what a client sends while its request is answered is kept without a limit if the client does not read; and some
    lengths end in a traceback instead of an answer (S10).
    """

    #: Whether a request has begun to come in and is not there yet.
    begun = False
    #: Bytes of the body since the time limit was last extended.
    progress = 0
    factory: Any
    transport: Any
    _networkProducer: Any

    def connectionMade(self) -> None:
        super().connectionMade()
        wire = self.transport
        while wire is not None and not isinstance(wire, tcp.Connection):
            wire = getattr(wire, "transport", None)
        if wire is not None:
            wire.bufferSize = READ_SIZE

    def dataReceived(self, data: bytes) -> None:
        if not self.begun:
            self.begun = True
            self.setTimeout(self.factory.head_timeout)
        elif not (self.line_mode or self._handlingRequest):
            self.progress += len(data)
            if self.progress >= LEAST_PROGRESS:
                self.progress = 0
                self.resetTimeout()
        # Twisted's own would reset the time limit each time.
        basic.LineReceiver.dataReceived(self, data)

    def headerReceived(self, line: bytes) -> bool:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length" and len(value.strip()) > LENGTH_DIGITS:
            self.refuse(413)
            return False
        if name.lower() == b"transfer-encoding" and value.strip().lower() != b"chunked":
            # Twisted takes `identity`, which is none any more, for no header at all. A proxy may not.
            return self._failChooseTransferDecoder()
        return bool(super().headerReceived(line))

    def allHeadersReceived(self) -> None:
        request = self.requests[-1]
        if request.is_hopeless(self.length):
            # Nobody wants to be sent all that only to refuse it.
            self.refuse(413)
            return
        self.progress = 0
        self.setTimeout(self.factory.timeOut)
        super().allHeadersReceived()

    def rawDataReceived(self, data: bytes) -> None:
        if not self._handlingRequest:
            super().rawDataReceived(data)
            return
        # What comes behind a request that is being answered. Twisted counts it anew with each byte.
        self._dataBuffer = [b"".join([*self._dataBuffer, data])]
        if len(self._dataBuffer[0]) > self._optimisticEagerReadSize:
            self._networkProducer.pauseProducing()

    def requestDone(self, request: Any) -> None:
        self.begun = False
        self._savedTimeOut = self.factory.timeOut
        super().requestDone(request)

    def refuse(self, status: int) -> None:
        """Answer what can't become a request, and end the connection."""
        reason = http.RESPONSES[status]
        self.transport.write(b"HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % (status, reason))
        self.loseConnection()

    def connectionLost(self, reason: Any = connectionDone) -> None:
        self.factory.connections -= 1
        super().connectionLost(reason)
