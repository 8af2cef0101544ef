"""Receiving for Twisted: the waiting happens in a thread, and ends when the reactor stops."""

from typing import Any

from twisted.internet import defer, reactor, task, threads

#: Messages that are handed over before the reactor gets a turn for its sockets.
TURN = 50


class Reception:
    """What a layer needs to receive for a reactor: one reader, whatever thread it waits in."""

    def __init__(self, layer: Any):
        self.layer = layer
        self.handed_over = 0
        self.renew()

    def renew(self) -> None:
        """Take a reader: the first, or one for that which was closed with its layer, or stayed behind in a parent."""
        self.reader = self.layer.readers.new()
        reactor.addSystemEventTrigger("before", "shutdown", self.reader.close)  # type: ignore[arg-type]  # Twisted's stub

    def receive(self, channels: list[str]) -> "defer.Deferred[Any]":
        self.handed_over += 1
        if self.reader not in self.layer.readers.all and reactor.running:
            self.renew()
        if not any(self.reader.buffers.get(name) for name in channels):
            return threads.deferToThread(self.layer._receive, self.reader, channels, True)
        if self.handed_over % TURN == 0:
            return task.deferLater(reactor, 0, self.layer._receive, self.reader, channels, False)
        return defer.succeed(self.layer._receive(self.reader, channels, False))


def receive(layer: Any, channels: list[str]) -> "defer.Deferred[Any]":
    """The next message, as `LeasingLayer.receive` gives it. Call it in the reactor's thread, one call at a time."""
    if not hasattr(layer, "reception"):
        layer.reception = Reception(layer)
    return layer.reception.receive(channels)
