"""Writing to a socket: at once, and not without end."""

import logging
import time
from typing import Any

from twisted.internet.protocol import connectionDone

from relay.metrics.sockets import EVICTED
from relay.reactor import reactor
from relay.watched import Watched
from relay.wires import waiting, wire_of

logger = logging.getLogger(__name__)

TRY_AGAIN_LATER = 1013
#: Seconds for which a socket may have more to read than its limit, and how many times as much.
MOMENT, BURST = 1.0, 4


class Outlet(Watched):
    """
    Autobahn's WebSocketServerProtocol (as `Watched`), writing to its socket itself.

    It produces for its transport (twisted.internet.interfaces.IPushProducer), which so tells it whether the socket
    reads.
    """

    transport: Any
    main_factory: Any
    reply_channel: str
    closeHandshakeTimeout: float
    #: Since when its transport has more to send than it likes to, on the monotonic clock; 0: it has not.
    clogged = 0.0
    abort_call: Any = None

    def begin_writing(self) -> None:
        """The connection is made."""
        self.transport.registerProducer(self, True)
        #: Under TLS it is not the transport, and nothing may be written to it directly.
        self.wire = wire_of(self.transport)
        self.plain = self.wire is self.transport

    def write_frames(self, frames: list[bytes]) -> None:
        """Send frames that are ready, if the socket is open."""
        if self.state == self.STATE_OPEN:
            self.write(frames[0] if len(frames) == 1 else b"".join(frames))

    def write(self, data: bytes) -> None:
        """
        Send bytes now, as far as the kernel takes them; the rest when it takes more.

        Twisted's `write` only notes them, and asks for two more system calls, which take as long as the write.
        """
        transport = self.transport
        if self.plain and not transport.dataBuffer and not transport._tempDataBuffer:
            try:
                sent = transport.socket.send(data)
            except OSError:
                sent = 0  # It is full, or broken: the transport finds out which.
            if sent == len(data):
                return
            data = data[sent:]
        transport.write(data)
        self.check_reading()

    def check_reading(self) -> None:
        """Close a socket that does not read: too much waits for it, and has for a while, or far too much."""
        if not self.clogged or self.state != self.STATE_OPEN:
            return
        patience = self.main_factory.unsent_limit
        if time.monotonic() - self.clogged < MOMENT:
            patience *= BURST
        if self.unsent() > patience:
            self.close_slow_reader()

    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return waiting(self.wire)

    def close_slow_reader(self) -> None:
        logger.warning("%s reads too slowly: %d bytes wait for it, it is closed", self.reply_channel, self.unsent())
        self.main_factory.slow_readers += 1
        EVICTED["slow_reader"].inc()
        self.sendCloseFrame(TRY_AGAIN_LATER, b"You read too slowly")

    def pauseProducing(self) -> None:
        self.clogged = time.monotonic()

    def resumeProducing(self) -> None:
        self.clogged = 0.0

    def stopProducing(self) -> None:
        """The connection is lost; `onClose` is called as well."""

    def dropConnection(self, abort: bool = False) -> None:
        super().dropConnection(abort)
        if not abort and self.abort_call is None:
            # What is still to be written may never be read, and under TLS the other end must agree.
            self.abort_call = reactor.callLater(self.closeHandshakeTimeout, self.break_off)

    def end_writing(self) -> None:
        """
        Send what is on its way, and say that no more comes. What the client sends is still read, so that no reset
        overtakes that; until it closes, too, or the time for closing is over.
        """
        if self.plain:
            self.transport.loseWriteConnection()
        else:
            self.dropConnection()

    def break_off(self) -> None:
        """Cut the connection."""
        self.transport.abortConnection()

    def connectionLost(self, reason: Any = connectionDone) -> None:
        if self.abort_call is not None and self.abort_call.active():
            self.abort_call.cancel()
        super().connectionLost(reason)
