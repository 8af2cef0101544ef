"""The thread that tells a Redis server that this process lives, and cleans up after those that don't."""

import atexit
import logging
import os
import secrets
import threading
import weakref
from typing import Any

from relay.exceptions import LayerUnavailable
from relay.layers.redis.keys import Keys
from relay.layers.redis.shard import Shard

logger = logging.getLogger(__name__)

#: Beats in the time of one lease.
BEATS = 5


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
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, name="relay-heart-%d" % shard.index, daemon=True)
        self.thread.start()

    def run(self) -> None:
        doubtful = False
        while not self.stopped.is_set():
            layer = self.layer()
            if layer is None:
                return
            try:
                self.beat(layer, doubtful)
                self.shard.catch_up()
                doubtful = False
                self.sweep()
            except LayerUnavailable:
                # It may come back without its newest data, even with the same epoch.
                doubtful = True
            except Exception:
                logger.exception("A beat for Redis server %d failed", self.shard.index)
            del layer
            self.stopped.wait(self.lease / 1000 / BEATS)

    def beat(self, layer: Any, doubtful: bool) -> None:
        """Say who lives. Put the groups back if the server has forgotten them, or may have."""
        readers = [reader.held for reader in layer.readers.living()]
        processes = sorted({name for reader in layer.readers.living() for name in reader.processes})
        keys = [self.keys.epoch, *readers, *map(self.keys.ready, processes)]
        epoch, missing = self.shard.run("beat", keys, (self.lease, secrets.token_hex(8), len(readers)))
        known, self.epoch = self.epoch, epoch
        if known not in (None, epoch):
            logger.warning(
                "Redis server %d has lost its data; the groups of this process are put back", self.shard.index
            )
        # With the first beat as well: what this process read before may be lost already.
        if epoch != known or missing or doubtful:
            layer.restore_groups(self.shard)

    def sweep(self) -> None:
        sweep(self.shard, self.keys, self.lease, self.max_deliveries, pause=self.lease // BEATS)

    def stop(self) -> None:
        self.stopped.set()


def sweep(shard: Shard, keys: Keys, lease: int, max_deliveries: int, pause: int, batch: int = 50) -> bool:
    """
    Clean up on a server, unless that was done less than `pause` milliseconds ago; whether it was. `batch` lanes of each
    channel are looked at for what has expired.
    """
    released = shard.run("sweep", [keys.swept], (pause, lease // 2, max_deliveries, batch))
    if released > 0:
        logger.warning("Messages of %d lanes are delivered again: whoever had taken them is gone", released)
    return released >= 0


def leave_at_exit(layer: Any) -> None:
    """When the process ends in good order, what it has is free at once and not after a lease."""
    reference = weakref.ref(layer)

    def leave() -> None:
        living = reference()
        if living is not None:
            living.close()

    atexit.register(leave)
