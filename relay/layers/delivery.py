"""What a layer hands out: messages on lease, and what it tells about its channels."""

import itertools
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

logger = logging.getLogger(__name__)


class Content(dict):
    """
    The content of a received message: equal to the dict that was sent.

    `id` is the message's own from the moment it was sent, and stays the same when it is delivered again: the
    idempotency key for work that has no other. `lane` is what it is ordered by; `attempts` is one more than the
    deliveries that failed.
    """

    id = ""
    lane = ""
    attempts = 1


class Outgoing(NamedTuple):
    """A message on its way into a layer."""

    #: Without what is local to a process.
    channel: str
    lane: str
    target: str
    id: str
    body: bytes


class Record(NamedTuple):
    """A message as a layer keeps it."""

    id: str
    #: Seconds since the epoch, by the layer's clock.
    sent: float
    #: The channel that it is read from: a process-local one ends with its `!`.
    channel: str
    #: Whom it is for: `=channel`, `@group`; or what it tells an interface process: `+group/channel`, `-group/channel`.
    target: str
    body: bytes
    #: One more than the deliveries that failed.
    attempts: int


@dataclass(slots=True, eq=False)
class Lease:
    """Some messages from the front of one lane, in the hands of one reader."""

    lane: str
    #: Which reader has it, and what else the layer needs to find it again.
    holder: Any
    take: int
    #: How many.
    size: int
    #: Messages of it that have been acknowledged, and those of them that the layer has been told of.
    done: int = 0
    told: int = 0

    @property
    def left(self) -> int:
        """Messages of it that are still in its reader's hands."""
        return self.size - self.done


@dataclass(slots=True, eq=False)
class Delivery:
    """
    A taken message. Acknowledge it, give it back or bury it; until then, and while its reader lives, nobody else gets
    it or what comes after it in its lane.
    """

    #: For whom: one channel; several for a group message that an interface server reads.
    channels: tuple[str, ...]
    content: Content
    #: None for a message that was not leased but is gone from its layer (`relay.layers.take` on a foreign one).
    lease: Lease | None = None
    #: Its place in the lease, from 1.
    position: int = 1
    #: Seconds since the epoch, by the layer's clock; None where that is not known.
    sent: float | None = None
    #: Its own place, where `position` also covers what came after it and can't be read.
    place: int = 0
    #: Whether it was sent to a group, or may have been: a foreign layer does not tell.
    to_group: bool = False

    def __post_init__(self) -> None:
        self.place = self.position

    @property
    def channel(self) -> str:
        return self.channels[0]


def finish(deliveries: Iterable[Delivery]) -> list[Lease]:
    """
    Note in their leases that these are handled, each with what was taken of its lane before it. Returns the leases that
    this is news for, each once.
    """
    changed: dict[Lease, None] = {}
    for delivery in deliveries:
        lease = delivery.lease
        if lease is not None and delivery.position > lease.done:
            lease.done = delivery.position
            changed[lease] = None
    return list(changed)


class Owed:
    """
    Leases of which a server has not been told all that is done.

    What is told is how far a lease is done, never what is to be removed: so it may be told twice, late, or in any
    order, and each lease is in a call at most once, however many calls before it failed.
    """

    def __init__(self) -> None:
        self.leases: dict[Lease, None] = {}

    def __bool__(self) -> bool:
        return bool(self.leases)

    def add(self, lease: Lease) -> None:
        self.leases[lease] = None

    def first(self, limit: int) -> list[tuple[Lease, int]]:
        """Up to `limit` of them, with how far each is done now."""
        return [(lease, lease.done) for lease in itertools.islice(self.leases, limit)]

    def told(self, leases: Iterable[tuple[Lease, int]]) -> None:
        """The server knows that these are done so far."""
        for lease, done in leases:
            lease.told = max(lease.told, done)
            if lease.told >= lease.done:
                self.leases.pop(lease, None)


def storable(text: str) -> str:
    """What any server takes as text: a traceback may quote anything that a client has sent."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def leases_of(deliveries: Iterable[Delivery]) -> list[Lease]:
    """The leases of these, each once."""
    return list(dict.fromkeys(delivery.lease for delivery in deliveries if delivery.lease is not None))


def by_holder(items: Iterable[Any]) -> dict[Any, list[Any]]:
    """Leases by what has them."""
    holders: dict[Any, list[Any]] = {}
    for item in items:
        holders.setdefault(item.holder, []).append(item)
    return holders


def warn_of_lost(lost: int | None) -> None:
    """Tell of acknowledgements, or the like, that changed nothing."""
    if lost:
        logger.warning(
            "%d acknowledgements came too late: this process was not heard of for longer than the lease, "
            "and the messages were, or will be, delivered again",
            lost,
        )


@dataclass(slots=True)
class DeadLetter:
    """A message that was given up."""

    id: str
    channel: str
    lane: str
    #: Seconds since the epoch.
    died: float
    attempts: int
    reason: str
    #: What was sent, or None where it can't be read.
    content: dict[str, Any] | None
    #: Its first bytes as they are kept.
    raw: bytes = field(repr=False, default=b"")


@dataclass(slots=True)
class ChannelStatus:
    """How a channel does. `full`, `expired` and `sent` are counts since the layer's data began."""

    channel: str
    #: Messages that nobody has taken.
    depth: int = 0
    #: Seconds that the oldest of them has been waiting.
    age: float = 0.0
    #: Messages that are taken and not acknowledged.
    in_flight: int = 0
    sent: int = 0
    full: int = 0
    expired: int = 0
    #: Dead letters that lie there.
    dead: int = 0
