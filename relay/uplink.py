"""What the interface server sends to the channel layer: the reactor never waits for it (D15)."""

import logging
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from twisted.internet import defer

from relay.layers import be_patient, leases, send_many
from relay.metrics.drops import DROPPED
from relay.reactor import reactor
from relay.traces import KEY, about, step, trace_of

logger = logging.getLogger(__name__)

#: Messages that go to the layer in one call, and that are looked at in one round.
BATCH, GATHERED = 200, 2000
#: Seconds between two tries with a channel that was full: the first pause and the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
#: Bytes that a message takes beside what its sender counts: its names, headers and objects.
OVERHEAD = 500


def size_of(request: dict[str, Any]) -> int:
    """Bytes of what is told of a request or a handshake, its body left out."""
    return len(request["query_string"]) + sum(len(name) + len(value) for name, value in request["headers"])


@dataclass(slots=True, eq=False)
class Parcel:
    """A message on its way to the layer, and whose it is."""

    channel: str
    content: dict[str, Any]
    #: Is asked, in the courier's thread, before it is sent: `wants(parcel)`. Is told, in the reactor's, how it ended:
    #: `parcel_sent(parcel)`, or `parcel_refused(parcel)` if the channel was full or it can't be sent.
    owner: Any
    #: Whether it waits while its channel is full, and what its owner sends after it waits behind it.
    waits: bool = False
    #: Bytes of its payload.
    size: int = 0
    #: Whether it did not go out, and never will.
    dropped: bool = False


class Uplink:
    """
    A bounded, ordered, batched way from the reactor's thread to the layer, which a thread of its own sends to.

    It takes everything that has gathered while the layer was busy, in its order, in one call. Methods are for the
    reactor's thread unless they say otherwise. Beyond `limit` bytes it is `full`: whoever can should wait for room.
    """

    def __init__(self, layer: Any, limit: int):
        self.layer = layer
        self.limit = limit
        #: Of parcels that the layer has not got.
        self.bytes = self.parcels = 0
        #: Counted by the courier: parcels that were dropped because their channels were full, and those that no layer
        #: would ever take.
        self.refused = self.unsendable = 0
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
        self.parcels += 1
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

    def settle(self, sent: list[Parcel], dropped: list[Parcel]) -> None:
        """What the courier has to tell."""
        for parcel in (*sent, *dropped):
            self.bytes -= parcel.size + OVERHEAD
            self.parcels -= 1
            try:
                if parcel.dropped:
                    parcel.owner.parcel_refused(parcel)
                else:
                    step(parcel.content.get(KEY), "Queued on %s", parcel.channel)
                    parcel.owner.parcel_sent(parcel)
            except Exception:
                logger.exception("%s could not be told of its message on %s", parcel.owner, parcel.channel)
        if self.waiting and self.bytes < self.limit // 2:
            waiting, self.waiting = self.waiting, {}
            for owner in waiting:
                try:
                    owner.go_on()
                except Exception:
                    logger.exception("%s could not be told that there is room", owner)


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
            parcels = self.gather()
            try:
                self.work(parcels)
            except Exception:
                logger.exception("Up to %d messages of sockets and requests are lost", len(parcels))
                DROPPED["unsent"].inc(len(parcels))
        reactor.callFromThread(self.uplink.flushed.callback, None)

    def gather(self) -> list[Parcel]:
        """Wait for parcels, or until it is time to try again those that are held; then take all there are."""
        found: list[Parcel] = []
        patience = max(0.0, self.retry_at - time.monotonic()) if self.held else None
        try:
            parcel = self.uplink.queue.get(timeout=patience)
            while parcel is not None:
                found.append(parcel)
                if len(found) == GATHERED:
                    return found
                parcel = self.uplink.queue.get_nowait()
            self.closing = True
        except queue.Empty:
            pass  # That is all there is.
        return found

    def work(self, parcels: list[Parcel]) -> None:
        """Send these, after those that are held if it is time for them, and tell their owners."""
        if self.held and time.monotonic() >= self.retry_at:
            parcels, self.held, self.shut = self.held + parcels, [], set()
        done = Round(behind={parcel.owner for parcel in self.held})
        for start in range(0, len(parcels), self.batch):
            self.send([parcel for parcel in parcels[start : start + self.batch] if self.may_go(parcel, done)], done)
        self.plan_retry(bool(done.sent))
        reactor.callFromThread(self.uplink.settle, done.sent, done.dropped)

    def may_go(self, parcel: Parcel, done: "Round") -> bool:
        """Whether to try it now. What is not wanted any more is dropped, what must wait is put off."""
        if not parcel.owner.wants(parcel):
            done.drop(parcel)
        elif parcel.channel in self.shut or (parcel.waits and parcel.owner in done.behind):
            self.put_off(parcel, done)
        else:
            return True
        return False

    def send(self, parcels: list[Parcel], done: "Round") -> None:
        refused, unsendable = self.deliver(parcels)
        for parcel in parcels:
            if parcel in unsendable:
                self.uplink.unsendable += 1
                DROPPED["unsendable"].inc()
                done.drop(parcel)
            elif parcel in refused:
                # What comes after a refused message of the same owner is refused for that, in any channel.
                if parcel.owner not in done.behind and not self.has_shares(parcel.channel):
                    self.shut.add(parcel.channel)
                self.put_off(parcel, done)
            else:
                done.sent.append(parcel)

    def has_shares(self, channel: str) -> bool:
        """Whether others may find room on a channel that has refused a message."""
        return leases(self.layer) and self.layer.has_shares(channel)

    def put_off(self, parcel: Parcel, done: "Round") -> None:
        """Its channel is full: keep it for later, or drop it."""
        done.behind.add(parcel.owner)
        if parcel.waits:
            self.held.append(parcel)
        else:
            self.uplink.refused += 1
            DROPPED["full"].inc()
            done.drop(parcel)

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
            except (TypeError, ValueError, ArithmeticError, AssertionError, self.layer.MessageTooLarge) as e:
                if len(parcels) > 1:
                    return self.deliver_singly(parcels)
                trace = trace_of(parcels[0].content)
                with about((trace,) if trace else ()):
                    logger.error("A message for %s can't be sent and is dropped: %s", parcels[0].channel, e)
                return [], parcels
            except Exception as e:
                logger.error("The channel layer fails, and is tried again in %.2f s: %s", pause, e)
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        return [], []

    def deliver_singly(self, parcels: list[Parcel]) -> tuple[list[Parcel], list[Parcel]]:
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


@dataclass(slots=True)
class Round:
    """How some parcels fared."""

    #: Owners of parcels that were put off: what they send next waits behind those.
    behind: set[Any]
    sent: list[Parcel] = field(default_factory=list)
    dropped: list[Parcel] = field(default_factory=list)

    def drop(self, parcel: Parcel) -> None:
        parcel.dropped = True
        self.dropped.append(parcel)
