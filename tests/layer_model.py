"""
What a channel layer may do and must not do, as a model that is told of every call and its outcome.

The model knows less than the layer: a call that failed may have taken effect, and a reader that stood still may have
lost its leases. So each message is *due* (it must be handed out before what comes behind it in its lane), *possible*,
or neither; and the assertions are those that hold whatever happened.
"""

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

#: Seconds by which the clocks of a layer and of the test may differ: layers round to milliseconds.
SLACK = 0.005


@dataclass(eq=False)
class Said:
    """A message."""

    n: int
    channel: str
    lane: str
    #: Seconds that it is kept if nobody takes it; None: for ever.
    expiry: float | None
    #: When it was sent at the earliest and at the latest, on the monotonic clock.
    since: float
    until: float
    #: Whether it is certain that the layer has it or had it.
    certain: bool = True
    #: Whether it is handled, or has disappeared as it may; and whether that may be so.
    gone: bool = False
    perhaps_gone: bool = False
    #: Bounds of how often its handling has failed.
    fewest: int = 0
    most: int = 0
    buried: bool = False
    #: Whether it may be anywhere in its lane: it came late, or some of what was sent with it did.
    floating: bool = False

    def may_have_expired(self, now: float) -> bool:
        return self.expiry is not None and now >= self.since + self.expiry - SLACK

    def has_expired(self, now: float) -> bool:
        return self.expiry is not None and now >= self.until + self.expiry + SLACK

    def is_due(self, now: float) -> bool:
        return self.certain and not (self.gone or self.perhaps_gone or self.may_have_expired(now))

    def __str__(self) -> str:
        return "message %d of lane %s" % (self.n, self.lane)


class State(Enum):
    """Of a lease, as far as the model knows."""

    LIVE = auto()
    #: Its reader may have been taken for dead.
    DOUBTFUL = auto()
    ENDED = auto()


@dataclass(eq=False)
class Held:
    """A lease."""

    reader: "Actor"
    messages: list[Said]
    deliveries: list[Any]
    state: State = State.LIVE
    done: int = 0

    @property
    def left(self) -> list[Said]:
        return self.messages[self.done :]

    @property
    def is_open(self) -> bool:
        return self.state is not State.ENDED and bool(self.left)


@dataclass(eq=False)
class Actor:
    """A reader, as the test drives it: which process it is in, and whether that is taken for alive."""

    process: int
    reader: Any = None
    #: Whether its life has been ended behind its back, and since then nobody has said that it lives.
    presumed_dead: bool = False
    #: Whether that may be so.
    doubtful: bool = False
    #: Whether a take of it failed: it may have leases that nobody knows of.
    blind: bool = False
    #: Whether one ever did. It may still come; when its reader has left, a server no longer knows that it was given up.
    was_blind: bool = False
    leases: list[Held] = field(default_factory=list)
    #: Messages that it has acknowledged, of which the layer may not have been told yet.
    owing: list[Said] = field(default_factory=list)
    #: Messages that it has given back, likewise.
    untold: list[Said] = field(default_factory=list)

    @property
    def open(self) -> list[Held]:
        return [lease for lease in self.leases if lease.is_open]


@dataclass(eq=False)
class Broadcast:
    """A message for a group: who must get it, and who may."""

    n: int
    must: set[str]
    may: set[str]
    certain: bool
    heard: bool = False


class Groups:
    """Who is in which group among the sockets of one interface process, and what they hear."""

    def __init__(self) -> None:
        #: (group, socket) → whether it is a member; None: perhaps.
        self.members: dict[tuple[str, str], bool | None] = {}
        self.broadcasts: dict[int, Broadcast] = {}
        self.last = 0

    def changed(self, group: str, socket: str, member: bool, certain: bool) -> None:
        self.members[group, socket] = member if certain else None

    def arrived_late(self, group: str, socket: str, member: bool) -> None:
        if self.members.get((group, socket)) is not member:
            self.members[group, socket] = None

    def sent(self, n: int, group: str, certain: bool) -> None:
        here = {socket: member for (where, socket), member in self.members.items() if where == group}
        must = {socket for socket, member in here.items() if member}
        may = {socket for socket, member in here.items() if member is not False}
        self.broadcasts[n] = Broadcast(n, must, may, certain)

    def sent_late(self, n: int, group: str) -> None:
        """A broadcast that was given up has now been made."""
        here = {socket for (where, socket), member in self.members.items() if where == group and member is not False}
        self.broadcasts[n].may |= here

    def heard(self, n: int, sockets: set[str]) -> None:
        broadcast = self.broadcasts[n]
        assert not broadcast.heard, "broadcast %d is heard twice" % n
        broadcast.heard = True
        assert sockets <= broadcast.may, "broadcast %d is heard by strangers" % n
        if broadcast.certain:
            assert broadcast.must <= sockets, "broadcast %d is missed by members" % n
            assert n > self.last, "broadcast %d comes late" % n
            self.last = n

    def due(self) -> list[int]:
        return [one.n for one in self.broadcasts.values() if one.certain and one.must and not one.heard]


class Model:
    """
    All that the layer was asked for, and what may come of it. limit: `max_deliveries`.

    `trouble` of a process: some call of it has failed, so what it has told the layer may still wait to be told.
    """

    def __init__(self, limit: int):
        self.limit = limit
        self.lanes: dict[str, list[Said]] = defaultdict(list)
        self.by_n: dict[int, Said] = {}
        self.actors: list[Actor] = []
        self.trouble: set[int] = set()
        self.groups = Groups()

    # Sending

    def sent(self, said: Iterable[Said], certain: bool) -> None:
        for message in said:
            message.certain = certain
            self.by_n[message.n] = message
            self.lanes[message.lane].append(message)

    def arrived_late(self, numbers: Iterable[int]) -> None:
        """A call that was given up has now been made: what it sends may come behind all that was sent meanwhile."""
        for n in numbers:
            message = self.by_n.get(n)
            if message is not None and not message.certain and not message.gone:
                message.floating, message.until = True, time.monotonic()

    def refused(self, channel: str, capacity: int) -> None:
        # What has expired behind something that is taken is there until that is done.
        waiting = [
            one for one in self.by_n.values() if one.channel == channel and not (one.gone and one.expiry is None)
        ]
        assert len(waiting) >= capacity, "%s is refused with %d messages of %d" % (channel, len(waiting), capacity)

    # Taking

    def taken(self, actor: Actor, deliveries: list[Any], limit: int, began: float) -> None:
        now = time.monotonic()
        assert len(deliveries) <= limit
        assert len(deliveries) == 1 or all(delivery.content.attempts == 1 for delivery in deliveries), (
            "what failed before is taken alone"
        )
        runs: dict[Any, list[Any]] = {}
        for delivery in deliveries:
            runs.setdefault(delivery.lease, []).append(delivery)
        assert list(runs) == list(dict.fromkeys(delivery.lease for delivery in deliveries)), "each lane in one piece"
        for run in runs.values():
            self.lent(actor, run, began, now)

    def lent(self, actor: Actor, run: list[Any], began: float, now: float) -> None:
        messages = [self.by_n[delivery.content["n"]] for delivery in run]
        lane = self.lanes[messages[0].lane]
        self.nobody_has(messages[0])
        place = 0
        for message, delivery in zip(messages, run, strict=True):
            assert not message.gone, "%s is handed out again" % message
            assert message.fewest <= delivery.content.attempts - 1 <= message.most, (
                "attempts of %s: %d, not %d to %d"
                % (
                    message,
                    delivery.content.attempts - 1,
                    message.fewest,
                    message.most,
                )
            )
            message.fewest = message.most = delivery.content.attempts - 1
            place = self.settled(message, lane, place)
            assert message in lane[place:], "%s comes behind %s, not before" % (
                message,
                ["%s%s" % (one.n, "" if one.certain else "?") for one in lane[:place]],
            )
            while lane[place] is not message:
                skipped = lane[place]
                assert not skipped.is_due(now), "%s is overtaken by %s" % (skipped, message)
                if skipped.certain:
                    skipped.gone = True
                place += 1
                assert place < len(lane), "%s is out of order" % message
            if not (actor.process in self.trouble or actor.doubtful):
                assert not message.has_expired(began) or message.perhaps_gone, "%s had expired" % message
            place += 1
        # Only now: whatever the layer hands out, it has.
        for message in messages:
            message.certain, message.perhaps_gone = True, False
        actor.leases = [*actor.open, Held(actor, messages, run, State.DOUBTFUL if actor.doubtful else State.LIVE)]
        if actor.doubtful:
            for message in messages:
                self.failed(message, certain=False)

    def nobody_has(self, message: Said) -> None:
        """Its lane was handed out: whoever had it before has lost it."""
        for other in self.leases():
            if other.is_open and other.messages[0].lane == message.lane:
                assert other.state is not State.LIVE, "%s is in two hands" % message
                other.state = State.ENDED

    def settled(self, message: Said, lane: list[Said], place: int) -> int:
        """Where it is in its lane is known now: not before this place, which is returned as it is then."""
        if message.floating and lane.index(message) < place:
            place -= 1
            lane.remove(message)
            lane.insert(place, message)
        message.floating = False
        return place

    def leases(self) -> list[Held]:
        return [lease for actor in self.actors for lease in actor.leases]

    # What becomes of it

    def acknowledged(self, lease: Held, upto: int, certain: bool) -> None:
        """The first `upto` messages of a lease were acknowledged. certain: the layer has been told for sure."""
        for message in lease.messages[lease.done : upto]:
            if lease.state is State.LIVE:
                # As long as its reader lives, nobody else gets it.
                message.gone = True
                if not certain:
                    lease.reader.owing.append(message)
            elif lease.state is State.DOUBTFUL:
                message.perhaps_gone = True
                lease.reader.untold.append(message)
        lease.done = max(lease.done, upto)

    def ended(self, lease: Held, reason: bool, certain: bool) -> None:
        """A lease was given back. certain: the layer has been told for sure."""
        if not certain and lease.state is not State.ENDED:
            lease.reader.untold += lease.left
        if lease.state is not State.ENDED and reason and lease.left:
            self.failed(lease.left[0], certain and lease.state is State.LIVE)
        lease.state = State.ENDED

    def failed(self, message: Said, certain: bool) -> None:
        message.most += 1
        message.fewest += certain
        if message.fewest >= self.limit:
            message.gone = message.buried = True
        elif message.most >= self.limit:
            message.perhaps_gone = True

    def doubt(self, actor: Actor, presumed_dead: bool) -> None:
        """Its leases may end behind its back from now on; what it has not surely told may come again."""
        actor.doubtful = True
        actor.presumed_dead = presumed_dead
        # Whoever cleans up takes the first that it had for what killed it.
        for message in [message for lease in actor.open for message in lease.left]:
            self.failed(message, certain=False)
        self.suspect(actor)
        for lease in actor.open:
            lease.state = State.DOUBTFUL
        self.forget(actor)

    def forget(self, actor: Actor) -> None:
        """What it has not surely told may never be told."""
        for message in actor.owing:
            message.gone, message.perhaps_gone = False, True
        for message in actor.owing + actor.untold:
            self.failed(message, certain=False)
        actor.owing, actor.untold = [], []

    def suspect(self, actor: Actor) -> None:
        """What it has leased without knowing it, any may be counted as failed when its reader is taken for dead."""
        if actor.blind:
            live = [lease for lease in self.leases() if lease.state is State.LIVE]
            known = [message for lease in live for message in lease.left]
            for message in self.by_n.values():
                if message not in known:
                    self.failed(message, certain=False)

    def left(self, actor: Actor, certain: bool) -> None:
        """A reader has nothing more. Until the layer knows, it may be taken for dead."""
        for lease in actor.open:
            self.ended(lease, False, certain)
        if not certain:
            self.forget(actor)
            self.suspect(actor)

    def crashed(self, process: int) -> list[Actor]:
        """All readers of a process are gone, with what they had not told."""
        gone = [actor for actor in self.actors if actor.process == process]
        for actor in gone:
            self.doubt(actor, presumed_dead=False)
            actor.blind = actor.was_blind
        self.trouble.discard(process)
        return gone

    def swept(self) -> None:
        """All that is presumed dead has been cleaned up for sure."""
        for actor in self.actors:
            if actor.presumed_dead:
                for lease in actor.open:
                    lease.state = State.ENDED
            # Whoever was not presumed dead for sure was known before, or is now.
            actor.presumed_dead = actor.doubtful = False

    def passing(self) -> bool:
        """Whether there may be messages that are to expire."""
        now = time.monotonic()
        return any(one.expiry is not None and not one.gone and not one.has_expired(now) for one in self.by_n.values())

    # At the end

    def due(self) -> list[int]:
        now = time.monotonic()
        return sorted(message.n for message in self.by_n.values() if message.is_due(now))
