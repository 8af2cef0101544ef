"""What the interface server is sent by the workers: taken in batches by a thread, handed to the reactor at once."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from relay.layers import acknowledge, leases, leave, take
from relay.layers.delivery import Delivery
from relay.reactor import reactor

logger = logging.getLogger(__name__)

#: Messages that are taken at once.
BATCH = 100
#: Seconds between two looks at a layer that can't wait, and after it failed.
POLL, PAUSE = 0.01, 1.0
#: Seconds that the end waits for the reactor, which may just be at the last batch.
LAST_BATCH = 0.5


class Downlink(threading.Thread):
    """
    Takes what is sent to this process's sockets and requests, and calls `deliver` with it in the reactor's thread.

    A batch is acknowledged after `deliver` is done with it: with the next take, or when this ends.
    """

    def __init__(self, layer: Any, channel: str, deliver: Callable[[list[Delivery]], None]):
        super().__init__(name="relay-downlink", daemon=True)
        self.layer = layer
        self.channel = channel
        self.deliver = deliver
        self.stopping = False
        self.reader: Any = None
        self.handed_over = threading.Event()

    def run(self) -> None:
        if leases(self.layer):
            self.reader = self.layer.readers.here()
        done: list[Delivery] = []
        while not self.stopping:
            began = time.monotonic()
            try:
                deliveries = take(self.layer, [self.channel], BATCH, block=True, done=done)
            except Exception as e:
                logger.error("The channel layer can't be read, and is tried again in %d s: %s", PAUSE, e)
                time.sleep(PAUSE)
                continue
            done = deliveries
            if deliveries:
                self.hand_over(deliveries)
            elif not self.reader and time.monotonic() - began < POLL:
                time.sleep(POLL)
        self.take_leave(done if self.handed_over.is_set() else [])

    def hand_over(self, deliveries: list[Delivery]) -> None:
        self.handed_over.clear()
        reactor.callFromThread(self.receive, deliveries)
        while not (self.handed_over.wait(1) or self.stopping):
            pass
        self.handed_over.wait(LAST_BATCH)

    def receive(self, deliveries: list[Delivery]) -> None:
        try:
            self.deliver(deliveries)
        except Exception:
            logger.exception("%d messages could not be handed to their sockets", len(deliveries))
        finally:
            self.handed_over.set()

    def take_leave(self, done: list[Delivery]) -> None:
        """It takes no more. Nothing of what it has taken stays with it."""
        try:
            acknowledge(self.layer, done)
            leave(self.layer)
        except Exception as e:
            logger.info("What was taken for %s is free only after its lease: %s", self.channel, e)

    def stop(self) -> None:
        """Take no more; from any thread. `join` it, lest it take something while the process takes leave."""
        self.stopping = True
        if self.reader is not None:
            self.reader.close()
