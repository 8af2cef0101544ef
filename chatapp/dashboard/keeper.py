"""
A thread of each worker process: it sends the frames that had to wait, finishes what a dead worker left, and, in one
process at a time, takes the figures of the service.
"""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Collection

from django.conf import settings
from django.db import close_old_connections, connections

from chatapp.dashboard import broadcasting, figures, storing
from chatapp.dashboard.models import Duty

logger = logging.getLogger(__name__)

#: Seconds between two looks for what was left.
SWEEP = 1.0
#: Series that one look takes on.
SWEEP_LIMIT = 100
#: What only one process does, and seconds after which another takes over from one that is not heard of.
DUTY, EXPIRY = "figures", 3.0


class Keeper(threading.Thread):
    """Other threads call `come_back`."""

    def __init__(self) -> None:
        super().__init__(name="dashboard-keeper", daemon=True)
        self.name_of_holder = "%s-%d-%s" % (socket.gethostname(), os.getpid(), secrets.token_hex(4))
        self.meter = figures.Meter()
        self.news = threading.Condition()
        #: Series → when its next frame may go. And when what else is to be done is due. On the monotonic clock.
        self.due: dict[str, float] = {}
        self.sweep_at = self.measure_at = 0.0
        #: What failed the last time that it was tried.
        self.failing: set[str] = set()

    def come_back(self, pauses: dict[str, float]) -> None:
        """Send the next frames of these series after so many seconds."""
        now = time.monotonic()
        with self.news:
            for name, seconds in pauses.items():
                self.due.setdefault(name, now + seconds)
            self.news.notify()

    def run(self) -> None:
        while True:
            with self.news:
                self.news.wait(max(0.0, self.next_step() - time.monotonic()))
            self.step()

    def next_step(self) -> float:
        return min([self.sweep_at, *self.due.values()])

    def step(self) -> None:
        """Do all that is due."""
        now = time.monotonic()
        with self.news:
            names = [name for name, due in self.due.items() if due <= now]
            for name in names:
                del self.due[name]
        if names:
            self.attempt("send frames", lambda: self.come_back(broadcasting.broadcast(names)))
        if now >= self.sweep_at:
            self.sweep_at = now + SWEEP
            self.attempt("check its database connection", close_old_connections)
            self.attempt("finish what was left", self.sweep)
        if settings.CHAT_DASHBOARD_INTERVAL and now >= self.measure_at:
            self.measure_at = now + settings.CHAT_DASHBOARD_INTERVAL
            self.attempt("take the figures of the service", self.measure)

    def attempt(self, what: str, step: Callable[[], None]) -> None:
        """What fails is tried again when it is due; the log hears of it once, and when it works again."""
        try:
            step()
        except Exception:
            if what not in self.failing:
                logger.exception("The dashboards' keeper could not %s; it tries again until it can", what)
            self.failing.add(what)
            # The next try has a new one: this may lead to a server that only reads, after a failover.
            connections.close_all()
        else:
            if what in self.failing:
                logger.warning("The dashboards' keeper can %s again", what)
            self.failing.discard(what)

    def sweep(self) -> None:
        """Send what a worker stored that could tell nobody, or died before it was sent."""
        names = [name for name in storing.stragglers(SWEEP_LIMIT) if name not in self.due]
        self.come_back(broadcasting.broadcast(names))

    def measure(self) -> None:
        """If it is this process's turn, store the figures and send them; and have a message timed."""
        if not Duty.claim(DUTY, self.name_of_holder, max(EXPIRY, 3 * settings.CHAT_DASHBOARD_INTERVAL)):
            # The next one to have the turn begins anew: what happened in between would count as one interval.
            self.meter = figures.Meter()
            return
        now = time.time()
        found = self.meter.read()
        storing.store({name: [(now, float(value))] for name, value in found.items()})
        self.come_back(broadcasting.broadcast(found))
        figures.send_trip()


_lock = threading.Lock()
_keeper: Keeper | None = None


def start() -> None:
    """Start the thread, once in a process, unless settings turn off all that it does."""
    global _keeper
    with _lock:
        if _keeper is None and (settings.CHAT_SWEEPER or settings.CHAT_DASHBOARD_INTERVAL):
            _keeper = Keeper()
            _keeper.start()


def send_now_or_soon(names: Collection[str]) -> None:
    """
    In a worker: send to browsers what they have not got of these series; those that must pause, when they may. Where
    no keeper runs, this waits for them.
    """
    pauses = broadcasting.broadcast(names)
    if _keeper is not None:
        _keeper.come_back(pauses)
        return
    while pauses:
        time.sleep(max(pauses.values()))
        pauses = broadcasting.broadcast(pauses)
