"""How an interface server goes away: nothing is lost, and all come back one after the other (D13)."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet import defer, task, tcp

from relay import conf
from relay.metrics.drops import DROPPED
from relay.reactor import reactor

logger = logging.getLogger(__name__)

#: Seconds for which what comes on connections that are there is still taken: a proxy in front has just made some of
#: them, and what it is to pass on is on its way.
LAST_ENTRY = 0.1
#: Seconds for which sockets may yet be let in whose handshakes are with the workers; no longer than half of its time.
LAST_WELCOME = 2.0
#: Seconds between two looks whether all are gone.
LOOK = 0.05
#: The part of its time that is kept for telling the workers who was cut off at the end, and how many seconds that takes
#: at least.
LAST_WORDS = 0.2
AFTERMATH = 1.0


class Drain:
    """
    The end of a server, begun by SIGTERM: listen no more, tell each socket when to come back and close it with 1012,
    let requests finish, cut off who is left when the time is over, and have the workers told of all.
    """

    def __init__(self, server: Any):
        self.server = server
        self.factory = server.factory
        self.patience = conf.get("DRAIN_TIMEOUT")
        self.begun = False

    @defer.inlineCallbacks
    def run(self) -> Any:
        began = time.monotonic()
        self.begun = True
        closing = [defer.maybeDeferred(port.stopListening) for port in self.server.ports]
        yield defer.DeferredList([*closing, self.server.companions.stop()])
        yield task.deferLater(reactor, LAST_ENTRY)
        # After a standstill that comes before what is there to be read.
        yield task.deferLater(reactor, 0)
        self.factory.closing = True
        closed = time.monotonic()
        yield from self.wait_until(self.all_are_in, lambda: min(closed + LAST_WELCOME, began + self.patience / 2))
        sockets = self.server.sockets()
        logger.info("Going away: %d sockets are told to come back", len(sockets))
        yield task.coiterate(self.dismiss(sockets))
        yield from self.wait_until(self.all_are_gone, lambda: began + self.patience * (1 - LAST_WORDS))
        self.cut_off()
        # A connection that was cut is lost in the reactor's next turn, and then its end is sent.
        cut = time.monotonic()
        yield from self.wait_until(self.all_are_gone, lambda: cut + AFTERMATH)
        flushed, told = self.server.uplink.close(), time.monotonic()
        yield from self.wait_until(lambda: flushed.called, lambda: max(told + AFTERMATH, began + self.patience))
        if not flushed.called:
            logger.error("Messages of %d bytes could not be sent in time and are lost", self.server.uplink.bytes)
            DROPPED["unsent"].inc(self.server.uplink.parcels)
        self.server.downlink.stop()
        self.server.stop_telling()
        logger.info("Gone after %.1f s", time.monotonic() - began)

    @staticmethod
    def wait_until(condition: Callable[[], bool], deadline: Callable[[], float]) -> Iterator[Any]:
        """Until this is true, or the deadline has come, which `hurry` may bring forward."""
        while not condition() and time.monotonic() < deadline():
            yield task.deferLater(reactor, LOOK)

    def all_are_in(self) -> bool:
        """Whether no socket waits for a worker to let it in."""
        return not any(socket.asks for socket in self.server.sockets())

    def all_are_gone(self) -> bool:
        """Whether nobody waits for anything, not even for bytes that are written."""
        return not self.factory.reply_protocols and not any(isinstance(w, tcp.Server) for w in reactor.getWriters())

    def hurry(self) -> None:
        """Whoever asked for the end asks again: wait for nobody."""
        logger.info("Asked to stop once more: whoever is left is cut off")
        self.patience = 0

    def dismiss(self, sockets: list[Any]) -> Iterator[None]:
        """Tell each its own time, in any order: the one who came last need not come back last."""
        for place, socket in enumerate(random.sample(sockets, len(sockets))):
            try:
                socket.send_restart(self.text(conf.get("RECONNECT_AFTER") + place / conf.get("RECONNECT_RATE")))
            except Exception:
                logger.exception("Socket %s could not be told to come back", socket.reply_channel)
            yield

    def text(self, after: float) -> str | None:
        """What a socket is told. Nothing, if the setting makes no sense (relay.E002 says so in time)."""
        template = conf.get("RECONNECT_TEXT")
        try:
            return template and template % {"after": after}
        except (ValueError, TypeError, KeyError) as e:
            logger.error("RELAY_RECONNECT_TEXT can't be filled in: %s", e)
            return None

    def cut_off(self) -> None:
        """The time is over: break off what is left."""
        left = list(self.factory.reply_protocols.values())
        if left:
            logger.warning("%d connections did not end in time and are cut off", len(left))
        for protocol in left:
            try:
                protocol.break_off()
            except Exception:
                logger.exception("%s could not be cut off", protocol.reply_channel)
