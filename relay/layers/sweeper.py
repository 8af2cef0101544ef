"""The thread that cleans up on a server, wakes lanes that have rested, and tells what had to wait."""

import heapq
import logging
import threading
import time
import weakref
from typing import Any

from relay.exceptions import LayerUnavailable
from relay.layers.remote import Remote

logger = logging.getLogger(__name__)

#: Clean-ups in the time of one lease. Of all processes, one does it.
SWEEPS = 5
#: Seconds by which a lane is woken late: servers count in milliseconds.
SLACK = 0.002


class Sweeper:
    """
    Cleans up for one layer on one server, beside its heart.

    layer: gives the layer as long as there is one.
    """

    def __init__(self, layer: "weakref.ref[Any]", remote: Remote, lease: float):
        self.layer = layer
        self.remote = remote
        self.pause = lease / SWEEPS
        #: Guards what follows, and wakes the thread.
        self.news = threading.Condition()
        #: When lanes have rested, the first first, on the monotonic clock.
        self.due: list[float] = []
        self.stopped = False
        self.thread = threading.Thread(target=self.run, name="relay-sweeper", daemon=True)
        self.thread.start()

    def wake_in(self, seconds: float) -> None:
        """Have lanes woken that rest for so long from now on; from any thread."""
        with self.news:
            heapq.heappush(self.due, time.monotonic() + seconds + SLACK)
            self.news.notify()

    def stop(self) -> None:
        with self.news:
            self.stopped = True
            self.news.notify()

    def run(self) -> None:
        sweep_at = time.monotonic()
        while self.wait_until(sweep_at):
            layer = self.layer()
            if layer is None:
                return
            try:
                if time.monotonic() >= sweep_at:
                    sweep_at = time.monotonic() + self.pause
                    self.remote.catch_up(wait=False)
                    layer._clean_up(self.remote, self.pause)
                else:
                    layer._wake_rested(self.remote)
            except LayerUnavailable as e:
                logger.debug("%s could not be cleaned up, which is tried again: %s", self.remote.name, e)
            except Exception:
                logger.exception("Cleaning up on %s failed", self.remote.name)
            del layer

    def wait_until(self, sweep_at: float) -> bool:
        """Wait for the next thing to do, which is due no later than that. False: nothing more is."""
        with self.news:
            while not self.stopped:
                seconds = min([sweep_at, *self.due[:1]]) - time.monotonic()
                if seconds <= 0:
                    while self.due and self.due[0] <= time.monotonic():
                        heapq.heappop(self.due)
                    return True
                self.news.wait(seconds)
            return False
