"""The thread that tells a Redis server that this process lives, and cleans up after those that don't."""

import atexit
import logging
import os
import secrets
import threading
import time
import weakref
from typing import Any

from relay.exceptions import LayerUnavailable
from relay.layers.redis.keys import Keys
from relay.layers.redis.shard import Shard

logger = logging.getLogger(__name__)

#: Beats in the time of one lease.
BEATS = 5
#: Seconds that the end of a process waits for a beat that is under way.
LAST_BEAT = 1.0


class Heart:
    """
    Beats for one layer on one server, from the first reader on. A thread for each server: one that stands still must
    not cost the leases on the others.
    """

    def __init__(self, layer: Any, shard: Shard):
        self.layer = weakref.ref(layer)
        self.shard = shard
        self.keys = layer.keys
        self.lease = int(layer.lease * 1000)
        self.max_deliveries = layer.max_deliveries
        self.pid = os.getpid()
        self.epoch: bytes | None = None
        #: When the last beat was answered, on a clock that also runs while this process or its machine stands still.
        self.beaten = now()
        #: Whether the groups on this server may need to be put back; and the thread that does it, beside the beats.
        self.doubtful = True
        self.restoring: threading.Thread | None = None
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, name="relay-heart-%d" % shard.index, daemon=True)
        self.thread.start()

    def run(self) -> None:
        while not self.stopped.is_set():
            layer = self.layer()
            if layer is None:
                return
            try:
                self.beat(layer)
                self.shard.catch_up()
                self.sweep()
            except LayerUnavailable:
                # It may come back without its newest data, even with the same epoch.
                self.doubtful = True
            except Exception:
                logger.exception("A beat for Redis server %d failed", self.shard.index)
            del layer
            self.stopped.wait(self.lease / 1000 / BEATS)

    def beat(self, layer: Any) -> None:
        """Say who lives. Put the groups back if the server has forgotten them, or may have."""
        readers, processes = layer.who_lives()
        keys = [self.keys.epoch, *readers, *processes]
        epoch, missing = self.shard.run("beat", keys, (self.lease, secrets.token_hex(8), len(readers)))
        if self.epoch not in (None, epoch):
            logger.warning(
                "Redis server %d has lost its data; the groups of this process are put back", self.shard.index
            )
        # Who did not beat for a lease counted as dead meanwhile, and may be out of all groups.
        late = now() - self.beaten > self.lease / 1000
        self.doubtful = self.doubtful or late or bool(missing) or epoch != self.epoch
        self.epoch, self.beaten = epoch, now()
        if self.doubtful and not (self.restoring and self.restoring.is_alive()):
            self.doubtful = False
            self.restoring = threading.Thread(target=self.restore, args=(layer,), daemon=True)
            self.restoring.start()

    def restore(self, layer: Any) -> None:
        try:
            layer.restore_groups(self.shard)
        except Exception as e:
            logger.warning(
                "Groups could not be put back on Redis server %d; that is tried again: %s", self.shard.index, e
            )
            self.doubtful = True

    def sweep(self) -> None:
        sweep(self.shard, self.keys, self.lease, self.max_deliveries, pause=self.lease // BEATS)

    def stop(self) -> None:
        """Beat no more. A beat that is under way ends first: after a farewell it would be taken for a new life."""
        self.stopped.set()
        if self.thread is not threading.current_thread():
            self.thread.join(LAST_BEAT)


def sweep(shard: Shard, keys: Keys, lease: int, max_deliveries: int, pause: int, batch: int = 50) -> bool:
    """
    Clean up on a server, unless that was done less than `pause` milliseconds ago; whether it was. `batch` lanes of each
    channel are looked at for what has expired.
    """
    released = shard.run("sweep", [keys.swept], (pause, lease // 2, max_deliveries, batch))
    if released > 0:
        logger.warning("Messages of %d lanes are delivered again: whoever had taken them is gone", released)
    return released >= 0


def now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def leave_at_exit(layer: Any) -> None:
    """When the process ends in good order, what it has is free at once and not after a lease."""
    reference = weakref.ref(layer)

    def leave() -> None:
        living = reference()
        if living is not None:
            living.close()

    atexit.register(leave)
