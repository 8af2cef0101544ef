"""The threads that tell servers that this process lives."""

import atexit
import logging
import os
import threading
import time
import weakref
from typing import Any

from relay.exceptions import LayerLate, LayerUnavailable
from relay.layers.base import LeasingLayer
from relay.layers.remote import Remote
from relay.layers.sweeper import Sweeper
from relay.metrics.drops import RELEASED

logger = logging.getLogger(__name__)

#: Beats in the time of one lease.
BEATS = 10
#: The part of a lease that a beat waits for its answer; then it is made again, on another connection. Together with the
#: pause before it, a beat that finds a dead connection comes late by less than a third of a lease. And seconds that it
#: waits at least: a busy machine takes as long.
PULSE, LEAST_PULSE = 1 / 16, 0.1
#: Seconds between a beat that failed and the next.
AGAIN = 0.05
#: Seconds that the end of a process waits for a beat that is under way, and for groups that are just put back.
LAST_BEAT = 3.0
#: Members that are put back with one call.
RESTORE_BATCH = 1000


class Beating(LeasingLayer):
    """
    A layer whose messages are on servers, which must know who lives.

    patience: seconds for which a send is tried again while its server can't be reached; then LayerUnavailable.
    """

    def __init__(self, *args: Any, patience: float = 15.0, **kwargs: Any):
        self.patience = patience
        self.hearts: list[Heart] = []
        self._starting = threading.Lock()
        super().__init__(*args, **kwargs)
        leave_at_exit(self)

    @property
    def remotes(self) -> list[Any]:
        """The servers, each a `Remote`."""
        raise NotImplementedError

    def _patience_of_sender(self) -> float:
        """Seconds for which this thread tries to send."""
        return self.patience if self.sender.patience is None else self.sender.patience

    def _start(self) -> None:
        """Begin to beat, with the first reader."""
        with self._starting:
            # A forked child has none of its parent's threads.
            if not self.hearts or self.hearts[0].pid != os.getpid():
                self.hearts = [Heart(self, remote) for remote in self.remotes]

    def who_lives(self) -> tuple[list[Any], list[str]]:
        """The readers of this process, and the interface processes that they read for."""
        readers = self.readers.living()
        return readers, sorted({name for reader in readers for name in reader.processes})

    def close(self) -> None:
        """Give back what this process has, and say that it is gone. The layer can be used again afterwards."""
        hearts, self.hearts = self.hearts, []
        for heart in hearts:
            heart.stop()
        if not hearts:
            return
        readers, processes = self.who_lives()
        # Readers that have left are gone already; their interface processes are not before this.
        processes = sorted(self.readers.orphans.union(processes))
        for remote in self.remotes:
            try:
                self._take_leave(remote, readers, processes)
            except LayerUnavailable:
                logger.info("%s was not told that this process ends", remote.name)
        self.readers.clear()

    def _beat(self, remote: Any) -> tuple[Any, int, float]:
        """
        Tell a server who lives. Returns its epoch, how many of the interface processes did not count as living there,
        and its time.
        """
        raise NotImplementedError

    @property
    def _pulse(self) -> float:
        """Seconds that a beat waits for its answer."""
        return max(self.lease * PULSE, LEAST_PULSE)

    def _clean_up(self, remote: Any, pause: float) -> None:
        """Clean up on a server, unless that was done less than `pause` seconds ago."""
        raise NotImplementedError

    def _wake_rested(self, remote: Any) -> None:
        """Let lanes be taken that have rested on a server."""
        raise NotImplementedError

    def _rest(self, remote: Any, delay: float) -> None:
        """Have lanes woken on a server in so many seconds. Without that, they wait for the next clean-up."""
        for heart in self.hearts:
            if delay and heart.remote is remote:
                heart.sweeper.wake_in(delay)

    def _restore_groups(self, remote: Any, stopped: threading.Event) -> None:
        """Put the groups that live on a server back, as this process knows them, unless it ends meanwhile."""
        for process, group, channels in self.groups.snapshot():
            if self._home_of(group) is not remote:
                continue
            for start in range(0, len(channels), RESTORE_BATCH):
                if stopped.is_set():
                    return
                self._add(group, process, channels[start : start + RESTORE_BATCH])

    def _home_of(self, group: str) -> Any:
        """The server that a group lives on."""
        raise NotImplementedError

    def _add(self, group: str, process: str, channels: list[str]) -> None:
        """Make channels of a process members of a group, which the process knows already."""
        raise NotImplementedError

    def _take_leave(self, remote: Any, readers: list[Any], processes: list[str]) -> None:
        """Tell a server that these are gone."""
        raise NotImplementedError


def warn_of_released(lanes: int) -> None:
    """Tell of lanes that a clean-up took from the dead."""
    if lanes > 0:
        logger.warning("Messages of %d lanes are delivered again: whoever had taken them is gone", lanes)
        RELEASED.inc(lanes)


class Heart:
    """
    Beats for one layer on one server, from the first reader on. A thread for each server: one that stands still must
    not cost the leases on the others. It does nothing else, and has a connection of its own: nothing that takes its
    time may cost a lease (L2).
    """

    def __init__(self, layer: "Beating", remote: Remote):
        self.layer = weakref.ref(layer)
        self.remote = remote
        self.lease = layer.lease
        self.pid = os.getpid()
        self.epoch: Any = None
        #: When the last beat was answered, on a clock that also runs while this process or its machine stands still.
        self.beaten = now()
        #: By how many seconds its clock is ahead of ours.
        self.ahead: float | None = None
        #: Whether the groups on this server may need to be put back; and the thread that does it, beside the beats.
        self.doubtful = True
        self.restoring: threading.Thread | None = None
        self.stopped = threading.Event()
        self.sweeper = Sweeper(self.layer, remote, layer.lease)
        self.thread = threading.Thread(target=self.run, name="relay-heart", daemon=True)
        self.thread.start()

    def run(self) -> None:
        while not self.stopped.is_set():
            layer = self.layer()
            if layer is None:
                return
            pause = self.lease / BEATS
            try:
                self.beat(layer)
            except LayerUnavailable as e:
                # It may come back without its newest data, even with the same epoch. One that is only slow has them.
                self.doubtful = self.doubtful or not isinstance(e, LayerLate)
                # Every moment counts: others take this process for dead when its lease is over.
                pause = min(pause, AGAIN)
            except Exception:
                logger.exception("A beat for %s failed", self.remote.name)
            del layer
            self.stopped.wait(pause)

    def beat(self, layer: "Beating") -> None:
        """Say who lives. Put the groups back if the server has forgotten them, or may have."""
        epoch, missing, time_there = layer._beat(self.remote)
        if self.epoch not in (None, epoch):
            logger.warning("%s has lost its data; the groups of this process are put back", self.remote.name)
        # Who did not beat for a lease counted as dead meanwhile, and may be out of all groups.
        late = now() - self.beaten > self.lease
        jumped = self.clock_jumped(time_there)
        self.doubtful = self.doubtful or late or jumped or bool(missing) or epoch != self.epoch
        self.epoch, self.beaten = epoch, now()
        if self.doubtful and not (self.restoring and self.restoring.is_alive()):
            self.doubtful = False
            restoring = threading.Thread(target=self.restore, args=(layer,), daemon=True)
            restoring.start()
            # Only now: whoever ends this process joins it, which a thread that has not begun does not allow.
            self.restoring = restoring

    def clock_jumped(self, time_there: float) -> bool:
        """Whether the server's clock was set: memberships may have ended by that, and messages."""
        before, self.ahead = self.ahead, time_there - now()
        jump = 0.0 if before is None else self.ahead - before
        if abs(jump) > self.lease:
            logger.warning(
                "%s has a clock that jumped by %+.0f s; the groups of this process are put back", self.remote.name, jump
            )
        return abs(jump) > self.lease

    def restore(self, layer: "Beating") -> None:
        """Put the groups back as this process knows them; then tell who wants to know."""
        try:
            layer._restore_groups(self.remote, self.stopped)
        except Exception as e:
            logger.warning("Groups could not be put back on %s; that is tried again: %s", self.remote.name, e)
            self.doubtful = True
            return
        if self.stopped.is_set():
            return
        for listener in layer.on_restore:
            try:
                listener()
            except Exception:
                logger.exception("Who wants to know of restored groups failed")

    def stop(self) -> None:
        """
        Beat no more. What is under way ends first, a beat or groups put back: after a farewell it would be taken for a
        new life.
        """
        self.stopped.set()
        self.sweeper.stop()
        deadline = time.monotonic() + LAST_BEAT
        wait_for(self.thread, deadline)
        wait_for(self.sweeper.thread, deadline)
        # The last beat may have begun it.
        wait_for(self.restoring, deadline)


def wait_for(thread: threading.Thread | None, deadline: float) -> None:
    """Until a thread ends or it is that time, on the monotonic clock."""
    if thread is not None and thread is not threading.current_thread():
        thread.join(max(0.0, deadline - time.monotonic()))


#: macOS has no such clock, and there this one runs while the machine sleeps.
BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    return time.clock_gettime(BOOT_CLOCK)


def leave_at_exit(layer: Any) -> None:
    """When the process ends in good order, what it has is free at once and not after a lease."""
    reference = weakref.ref(layer)

    def leave() -> None:
        living = reference()
        if living is not None:
            living.close()

    atexit.register(leave)
