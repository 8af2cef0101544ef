"""A long response on its way to a client, in the interface server: no more of it than the client takes."""

import logging
import time
from collections import deque
from typing import Any

from twisted.internet import interfaces
from zope.interface import implementer

from relay.reactor import reactor
from relay.uplink import Parcel, Uplink
from relay.wires import buffered, in_kernel

logger = logging.getLogger(__name__)

#: Bytes of one response that its worker may send beyond what the client has taken.
WINDOW = 512 * 1024
#: Bytes that are written at once. A response of one message that is no longer needs no Download.
SLICE = 64 * 1024
#: Bytes after which the worker is told what the client has taken, and seconds after which it is told in any case.
TELL_AFTER, TELL_INTERVAL = WINDOW // 4, 15.0
#: Seconds between two looks whether the last bytes have left.
LOOK = 0.1
#: Bytes of a body that a worker is sent at once.
PULL = 128 * 1024


class Mail:
    """The sender of a message to a worker's mailbox. If one is lost, the next one makes up for it."""

    def wants(self, parcel: Parcel) -> bool:
        return True

    def parcel_sent(self, parcel: Parcel) -> None:
        """Nobody waits for it."""

    def parcel_refused(self, parcel: Parcel) -> None:
        """Its worker may have died."""


def post(uplink: Uplink, mailbox: str, size: int = 0, **content: Any) -> None:
    """Tell a worker something."""
    uplink.send(Parcel(mailbox, content, Mail(), size=size))


@implementer(interfaces.IPushProducer)
class Download:
    """
    Passes parts on to a request's transport whenever that has sent what it had, and tells the worker so. It has at most
    SLICE bytes at the transport, and what else came here.
    """

    def __init__(self, request: Any):
        self.request = request
        self.factory = request.factory
        self.parts: deque[bytes] = deque()
        #: Bytes that wait here, that were passed on, and of which the worker was told.
        self.waiting = self.passed = self.told = 0
        self.told_at = time.monotonic()
        self.mailbox: str | None = None
        self.ended = False
        #: Bytes that the client had acknowledged at the last look, and since when the number has not changed.
        self.reached, self.reached_at = -1, 0.0
        self.paused = request.channel._waitingForTransport
        self.ending: Any = None
        request.registerProducer(self, True)

    def add(self, body: bytes, more: bool, mailbox: str | None) -> None:
        self.mailbox = mailbox or self.mailbox
        self.parts.extend(body[start : start + SLICE] for start in range(0, len(body), SLICE))
        self.waiting += len(body)
        self.ended = not more
        if self.waiting > self.factory.uplink.limit:
            logger.warning(
                "A worker sends the response for %s faster than its client reads it, and can't be slowed down; beyond "
                "RELAY_MAX_WAITING_BYTES it is cut off",
                self.request.reply_channel,
            )
            self.request.break_off()
            return
        self.pass_on()

    def pass_on(self) -> None:
        while self.parts and not self.paused:
            part = self.parts.popleft()
            self.waiting -= len(part)
            self.passed += len(part)
            self.request.write(part)
            self.request.active = time.monotonic()
        if self.passed - self.told >= TELL_AFTER:
            self.tell()
        if self.ended and not (self.parts or self.ending):
            self.end()

    def tell(self) -> None:
        if self.mailbox is not None:
            self.told, self.told_at = self.passed, time.monotonic()
            post(self.factory.uplink, self.mailbox, taken=self.passed)

    def end(self) -> None:
        """Finish the request once all has left: from then on Twisted takes its connection for idle (S3)."""
        self.ending = None
        if self.unsent:
            self.ending = reactor.callLater(LOOK, self.end)
        else:
            self.request.unregisterProducer()
            self.request.complete()

    def lost(self) -> None:
        """The connection ended before the response did."""
        if self.ending is not None:
            self.ending.cancel()
            self.ending = None
        self.parts.clear()
        if self.mailbox is not None:
            post(self.factory.uplink, self.mailbox, gone=True)

    def is_slow(self) -> bool:
        """Called now and then: whether something waits for the client. One who reads nothing for long is cut off."""
        unsent, now = self.unsent, time.monotonic()
        if not (self.parts or unsent):
            self.reached_at = now
            return False
        reached = self.passed - unsent - in_kernel(self.request.transport)
        if reached != self.reached:
            self.reached, self.reached_at = reached, now
        elif now - self.reached_at > self.factory.read_timeout:
            logger.warning(
                "The client of %s has read nothing for %.0f s (RELAY_READ_TIMEOUT); its response is cut off after "
                "%d bytes",
                self.request.reply_channel,
                now - self.reached_at,
                reached,
            )
            self.request.break_off()
        if now - self.told_at > TELL_INTERVAL:
            # Its worker must know that this process lives.
            self.tell()
        return True

    @property
    def unsent(self) -> int:
        """Bytes that the transport has not handed to the system."""
        return buffered(self.request.transport)

    # What the transport asks for

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        self.paused = False
        self.pass_on()

    def stopProducing(self) -> None:
        """The connection is lost; the request hears of that."""
