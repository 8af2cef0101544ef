"""What a process tells its channel layer of itself, every few seconds: that it lives, and what it has measured."""

import itertools
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from prometheus_client import REGISTRY

from relay.deployment import GENERATION
from relay.layers import leases
from relay.metrics.samples import packed

logger = logging.getLogger(__name__)

#: Seconds between two heartbeats, and how many may be missed before a process counts as gone.
BEAT, MISSED_BEATS = 2.0, 4
#: Seconds between two tellings of what was measured, and for how long one holds.
SAMPLE, SAMPLE_HOLDS = 5.0, 20.0
#: Seconds for which it is kept what a process had counted when it ended, so that the next scrape finds it.
LAST_WORDS = 60.0


class Identity:
    """This process: its name, which no other has, and what it is."""

    def __init__(self) -> None:
        self.pid = 0
        #: What it has measured, as it was told last.
        self.told = ""
        self.kinds: set[str] = set()

    def settle(self) -> None:
        """A forked child is another process."""
        if self.pid != os.getpid():
            self.pid = os.getpid()
            self.base = "%s-%d-%s" % (socket.gethostname(), self.pid, secrets.token_hex(3))
            self.others = itertools.count(2)
            self.taken, self.told = False, ""

    @property
    def name(self) -> str:
        self.settle()
        return self.base

    def new_name(self) -> str:
        """For a worker or a server: the name of the process; with a number for the second one that it has."""
        self.settle()
        if self.taken:
            return "%s-%d" % (self.base, next(self.others))
        self.taken = True
        return self.base

    @property
    def kind(self) -> str:
        return "+".join(sorted(self.kinds)) or "other"


HERE = Identity()


class Herald:
    """
    Tells one layer of one worker or interface server, and of what its process has measured. Call `beat` often: it does
    what is due. On a layer that keeps no notes it does nothing.

    describe: what to say of it, as plain values.
    """

    def __init__(self, layer: Any, kind: str, describe: Callable[[], dict[str, Any]]):
        self.layer = layer
        self.kind = kind
        self.describe = describe
        self.name = HERE.new_name()
        self.since = time.time()
        self.beat_at = self.sample_at = 0.0
        HERE.kinds.add(kind)

    def beat(self) -> None:
        now = time.monotonic()
        if now < self.beat_at or not leases(self.layer):
            return
        self.beat_at = now + BEAT
        about = {"host": socket.gethostname(), "pid": os.getpid(), "since": self.since, "generation": GENERATION}
        self.layer.note(self.kind, self.name, {**about, **self.describe()}, BEAT * MISSED_BEATS)
        if now >= self.sample_at:
            self.sample_at = now + SAMPLE
            self.tell(packed(REGISTRY.collect()), SAMPLE_HOLDS)

    def leave(self) -> None:
        """It ends: that is known at once. What it has counted is kept for a while."""
        if leases(self.layer):
            self.tell(packed(REGISTRY.collect(), last=True), LAST_WORDS)
            self.layer.note(self.kind, self.name, {}, 0)

    def tell(self, samples: str, seconds: float) -> None:
        HERE.told = samples
        report = {"kind": HERE.kind, "at": time.time(), "samples": samples}
        self.layer.note("sample", HERE.name, report, seconds)


class HeraldThread(threading.Thread):
    """A herald that beats by itself, for a process whose own thread must not wait for the layer."""

    def __init__(self, herald: Herald):
        super().__init__(name="relay-herald", daemon=True)
        self.herald = herald
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            self.attempt(self.herald.beat)
            self.stopped.wait(BEAT)
        self.attempt(self.herald.leave)

    def attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as e:
            logger.info("The layer was not told that %s lives; it is told again: %s", self.herald.name, e)

    def stop(self) -> None:
        self.stopped.set()
