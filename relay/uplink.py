"""What the interface server sends to the channel layer: the reactor never waits for it (D15)."""

import logging
import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from twisted.internet import defer

from relay.layers import be_patient, leases, send_many
from relay.reactor import reactor

logger = logging.getLogger(__name__)

#: Messages that go to the layer in one call.
BATCH = 200
#: Seconds between two tries with a channel that was full: the first pause and the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
#: Bytes that a message takes beside what its sender counts: its names, headers and objects.
OVERHEAD = 500


@dataclass(slots=True, eq=False)
class Parcel:
    """A message on its way to the layer, and whose it is."""

    channel: str
    content: dict[str, Any]
    #: Is told how it ended: `parcel_sent(parcel)`, or `parcel_refused(parcel)` if the channel was full.
    owner: Any
    #: Whether it waits while its channel is full, and what its owner sends after it waits behind it.
    waits: bool = False
    #: Bytes of its payload.
    size: int = 0


class Uplink:
    """
    A bounded, ordered, batched way from the reactor's thread to the layer, which a thread of its own sends to.

    It takes everything that has gathered while the layer was busy, in its order, in one call. Methods are for the
    reactor's thread unless they say otherwise. Beyond `limit` bytes it is `full`: whoever can should wait for room.
    """

    def __init__(self, layer: Any, limit: int):
        self.layer = layer
        self.limit = limit
        self.bytes = 0
        #: Parcels that channels refused because they were full, those that wait not counted.
        self.refused = 0
        #: Messages that no layer would ever take.
        self.unsendable = 0
        self.waiting: dict[Any, None] = {}
        self.queue: queue.SimpleQueue[Parcel | None] = queue.SimpleQueue()
        self.flushed: defer.Deferred[None] = defer.Deferred()
        self.closed = False
        self.courier = Courier(self)

    def start(self) -> None:
        self.courier.start()

    @property
    def full(self) -> bool:
        return self.bytes >= self.limit

    def send(self, parcel: Parcel) -> None:
        self.bytes += parcel.size + OVERHEAD
        self.queue.put(parcel)

    def wait_for_room(self, owner: Any) -> None:
        """Call `owner.go_on()` once there is room again."""
        self.waiting[owner] = None

    def close(self) -> defer.Deferred[None]:
        """Send what is left, and end; the Deferred fires when that is done."""
        if not self.closed:
            self.closed = True
            self.queue.put(None)
        return self.flushed

    def settle(self, sent: list[Parcel], refused: list[Parcel], unsendable: list[Parcel]) -> None:
        """What the courier has to tell."""
        self.refused += len(refused)
        self.unsendable += len(unsendable)
        for parcel in (*sent, *refused, *unsendable):
            self.bytes -= parcel.size + OVERHEAD
        for parcel in sent:
            parcel.owner.parcel_sent(parcel)
        for parcel in (*refused, *unsendable):
            parcel.owner.parcel_refused(parcel)
        if self.waiting and self.bytes < self.limit // 2:
            waiting, self.waiting = self.waiting, {}
            for owner in waiting:
                owner.go_on()


class Courier(threading.Thread):
    """
    The thread of an uplink.

    A parcel that waits because its channel is full is tried again, less and less often; until then what its owner sends
    after it waits too, and everybody else goes on.
    """

    def __init__(self, uplink: Uplink):
        super().__init__(name="relay-uplink", daemon=True)
        self.uplink = uplink
        self.layer = uplink.layer
        #: A layer without leases tells only of one message at a time whether it took it.
        self.batch = BATCH if leases(self.layer) else 1
        self.held: list[Parcel] = []
        #: Channels that were full when last tried.
        self.shut: set[str] = set()
        self.pause = FIRST_PAUSE
        self.retry_at = 0.0
        self.closing = False

    def run(self) -> None:
        be_patient(self.layer)
        while not (self.closing and not self.held):
            self.work(self.gather())
        reactor.callFromThread(self.uplink.flushed.callback, None)

    def gather(self) -> list[Parcel]:
        """Wait for parcels, or until it is time to try again those that are held; then take all there are."""
        found: list[Parcel] = []
        patience = max(0.0, self.retry_at - time.monotonic()) if self.held else None
        try:
            parcel = self.uplink.queue.get(timeout=patience)
            while len(found) < 10 * BATCH:
                if parcel is None:
                    self.closing = True
                else:
                    found.append(parcel)
                parcel = self.uplink.queue.get_nowait()
        except queue.Empty:
            pass  # That is all there is.
        return found

    def work(self, parcels: list[Parcel]) -> None:
        """Send these, after those that are held if it is time for them, and tell their owners."""
        if self.held and time.monotonic() >= self.retry_at:
            parcels, self.held, self.shut = self.held + parcels, [], set()
        held, sent, refused, unsendable = self.held, [], [], []  # type: ignore[var-annotated]
        behind = {parcel.owner for parcel in held}
        for start in range(0, len(parcels), self.batch):
            ready = []
            for parcel in parcels[start : start + self.batch]:
                if parcel.channel in self.shut or (parcel.waits and parcel.owner in behind):
                    self.put_off(parcel, held, refused, behind)
                else:
                    ready.append(parcel)
            turned_away, bad = self.deliver(ready)
            unsendable += bad
            for parcel in ready:
                if parcel in turned_away:
                    self.shut.add(parcel.channel)
                    self.put_off(parcel, held, refused, behind)
                elif parcel not in bad:
                    sent.append(parcel)
        self.plan_retry(bool(sent))
        reactor.callFromThread(self.uplink.settle, sent, refused, unsendable)

    @staticmethod
    def put_off(parcel: Parcel, held: list[Parcel], refused: list[Parcel], behind: set[Any]) -> None:
        if parcel.waits:
            held.append(parcel)
            behind.add(parcel.owner)
        else:
            refused.append(parcel)

    def plan_retry(self, progress: bool) -> None:
        if not self.held:
            self.shut, self.pause = set(), FIRST_PAUSE
        elif time.monotonic() >= self.retry_at:
            self.pause = FIRST_PAUSE if progress else min(2 * self.pause, LONGEST_PAUSE)
            self.retry_at = time.monotonic() + self.pause

    def deliver(self, parcels: list[Parcel]) -> tuple[list[Parcel], list[Parcel]]:
        """Send these, however long it takes. Returns those whose channels are full, and those that can't be sent."""
        pause = FIRST_PAUSE
        while parcels:
            try:
                refused = send_many(self.layer, [(parcel.channel, parcel.content) for parcel in parcels])
                return [parcels[position] for position in refused], []
            except (TypeError, self.layer.MessageTooLarge) as e:
                if len(parcels) > 1:
                    return self.deliver_singly(parcels)
                logger.error("A message for %s can't be sent and is dropped: %s", parcels[0].channel, e)
                return [], parcels
            except Exception as e:
                logger.error("The channel layer fails, and is tried again in %.2f s: %s", pause, e)
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        return [], []

    def deliver_singly(self, parcels: Iterable[Parcel]) -> tuple[list[Parcel], list[Parcel]]:
        """One of these can't be sent: find out which. What comes after one that was refused waits behind it."""
        refused: list[Parcel] = []
        unsendable: list[Parcel] = []
        for parcel in parcels:
            if any(parcel.owner is other.owner for other in refused):
                refused.append(parcel)
                continue
            full, bad = self.deliver([parcel])
            refused += full
            unsendable += bad
        return refused, unsendable
