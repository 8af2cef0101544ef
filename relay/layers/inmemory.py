"""
The layer of one process: interface server and workers are threads of it. The embedded default of `runserver`.

The module's name tells Channels that the layer is local (`ChannelLayerWrapper.local_only` looks for "inmemory").
"""

import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

from relay.layers.base import LeasingLayer
from relay.layers.delivery import ChannelStatus, Content, DeadLetter, Delivery, Lease, Outgoing, Record
from relay.layers.memberships import Memberships
from relay.layers.policy import LETTERS_LIMIT, without_redis
from relay.layers.readers import Reader


class Kept(NamedTuple):
    """A message in a lane."""

    record: Record
    #: When it expires, on the monotonic clock.
    deadline: float


class MemoryReader(Reader):
    """relay's Reader; closing it wakes whoever waits."""

    def __init__(self, name: str, news: threading.Condition):
        super().__init__(name)
        self.news = news
        self.takes = 0

    def close(self) -> None:
        super().close()
        with self.news:
            self.news.notify_all()


class ChannelLayer(Memberships, LeasingLayer):
    """
    What asgiref's in-memory layer is for, by relay's contract (`relay.layers.base`). Waiting readers are woken at once.

    Leases end with the thread that took them: nothing else can die here and leave the rest alive.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **without_redis(kwargs))
        #: Guards all that follows, and tells readers that something is ready.
        self.news = threading.Condition(threading.RLock())
        self.reset()

    def reset(self) -> None:
        self.lanes: dict[str, deque[Kept]] = {}
        #: channel → its ready lanes, first come first served.
        self.ready: dict[str, dict[str, None]] = {}
        self.leases: dict[str, Lease] = {}
        self.rows: dict[str, ChannelStatus] = {}
        #: message → deliveries that failed.
        self.tries: dict[str, int] = {}
        #: lane → when it may be taken again, on the monotonic clock.
        self.delayed: dict[str, float] = {}
        self.letters: dict[str, tuple[DeadLetter, Record]] = {}
        #: (kind, process) → until when it is known, on the monotonic clock, and what it said.
        self.reports: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}
        self.memberships = {}

    def _make_reader(self, name: str) -> MemoryReader:
        return MemoryReader(name, self.news)

    # Sending

    def _send(self, outgoing: list[Outgoing]) -> list[int]:
        refused: list[int] = []
        shut: set[str] = set()
        with self.news:
            for position, message in enumerate(outgoing):
                row = self._row(message.channel)
                if message.lane in shut or (self._is_full(row) and self._has_its_share(message)):
                    shut.add(message.lane)
                    refused.append(position)
                    row.full += 1
                else:
                    row.sent += 1
                    self._put(message)
            self.news.notify_all()
        return refused

    def _is_full(self, row: ChannelStatus) -> bool:
        capacity = self.get_capacity(row.channel)
        if row.depth >= capacity:
            for lane in list(self.ready.get(row.channel, ())):
                self._settle(lane)
        return row.depth >= capacity

    def _has_its_share(self, message: Outgoing) -> bool:
        """Whether as many messages wait in its lane as may, however full its channel is."""
        return len(self.lanes.get(message.lane, ())) >= self.share_of(message)

    def _put(self, message: Outgoing) -> None:
        record = Record(message.id, time.time(), message.channel, message.target, message.body, 1)
        expiry = self.expiry_of(message.channel)
        lane = self.lanes.setdefault(message.lane, deque())
        lane.append(Kept(record, float("inf") if expiry is None else time.monotonic() + expiry))
        self._row(message.channel).depth += 1
        if len(lane) == 1 and message.lane not in self.delayed:
            self.ready.setdefault(message.channel, {})[message.lane] = None

    # Receiving

    def _lease(
        self, reader: MemoryReader, names: list[str], limit: int, block: bool, done: list[Delivery]
    ) -> list[tuple[Lease, list[Record]]]:
        give_up_at = time.monotonic() + self.blpop_timeout
        with self.news:
            self.acknowledge(done)
            while True:
                self._sweep()
                found = self._pick(reader, names, limit)
                patience = min([give_up_at, *self.delayed.values()]) - time.monotonic()
                if found or not block or reader.closed or time.monotonic() >= give_up_at:
                    return found
                self.news.wait(max(patience, 0))

    def _pick(self, reader: MemoryReader, names: list[str], limit: int) -> list[tuple[Lease, list[Record]]]:
        """Lease what there is: one lane of each channel in turn."""
        found: list[tuple[Lease, list[Record]]] = []
        reader.takes += 1
        open_channels = set(names)
        while open_channels and limit > 0:
            for channel in list(open_channels):
                lane = next(iter(self.ready.get(channel, ())), None)
                if lane is None or limit <= 0:
                    open_channels.discard(channel)
                elif not self._settle(lane, channel):
                    # What was behind something expired may be for a channel that had nothing before.
                    open_channels.update(names)
                elif (failed := self.tries.get(self.lanes[lane][0].record.id, 0)) and found:
                    return found  # What failed before is taken alone, so that it drags no other down.
                else:
                    records = self._run_of(lane, names, 1 if failed else limit)
                    lease = Lease(lane, reader, reader.takes, len(records))
                    self._lend(lease, channel)
                    found.append((lease, [record._replace(attempts=failed + 1) for record in records]))
                    limit = 0 if failed else limit - len(records)
        return found

    def _run_of(self, lane: str, names: list[str], limit: int) -> list[Record]:
        """The first messages of a lane, as far as they are alive and of these channels."""
        records: list[Record] = []
        for kept in self.lanes[lane]:
            if len(records) == limit or kept.record.channel not in names or kept.deadline <= time.monotonic():
                break
            records.append(kept.record)
        return records

    def _lend(self, lease: Lease, channel: str) -> None:
        self.leases[lease.lane] = lease
        del self.ready[channel][lease.lane]
        for kept in list(self.lanes[lease.lane])[: lease.left]:
            self._row(kept.record.channel).depth -= 1
            self._row(kept.record.channel).in_flight += 1

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        with self.news:
            for delivery in deliveries:
                if delivery.lease is not None and self._is_held(delivery.lease):
                    self._drop(delivery.lease, delivery.position)
            self.news.notify_all()

    def _drop(self, lease: Lease, position: int) -> None:
        """The first messages of a lease, up to this position, are done with."""
        for _ in range(position - lease.done):
            record = self.lanes[lease.lane].popleft().record
            self._row(record.channel).in_flight -= 1
            self.tries.pop(record.id, None)
        lease.done = max(lease.done, position)
        if not lease.left:
            del self.leases[lease.lane]
            self._settle(lease.lane)

    def give_back(self, deliveries: Iterable[Delivery], reason: str = "", delay: float = 0) -> None:
        with self.news:
            for lease in {delivery.lease for delivery in deliveries if delivery.lease is not None}:
                if self._is_held(lease):
                    self._release(lease, reason)
                    if delay and self.lanes[lease.lane]:
                        self.delayed[lease.lane] = time.monotonic() + delay
                    else:
                        self._settle(lease.lane)
            self.news.notify_all()

    def _release(self, lease: Lease, reason: str) -> None:
        """End a lease with the messages in their places."""
        del self.leases[lease.lane]
        for kept in list(self.lanes[lease.lane])[: lease.left]:
            self._row(kept.record.channel).depth += 1
            self._row(kept.record.channel).in_flight -= 1
        record = self.lanes[lease.lane][0].record
        if reason:
            self.tries[record.id] = self.tries.get(record.id, 0) + 1
            if self.tries[record.id] >= self.max_deliveries:
                self._bury_record(lease.lane, record, self.tries.pop(record.id), reason)
                self.lanes[lease.lane].popleft()
                self._row(record.channel).depth -= 1

    def leave(self) -> None:
        reader = self.readers.forget_here()
        with self.news:
            self.give_back([Delivery((), Content(), lease) for lease in self.leases.values() if lease.holder is reader])

    def renew(self, deliveries: Iterable[Delivery]) -> list[Delivery]:
        with self.news:
            return [delivery for delivery in deliveries if delivery.lease and self._is_held(delivery.lease)]

    def dead_letter(self, delivery: Delivery, reason: str) -> bool:
        with self.news:
            lease = delivery.lease
            if lease is None or not self._is_held(lease) or delivery.position <= lease.done:
                return True
            is_kept = self._bury(lease, delivery.place, reason)
            self.acknowledge([delivery])
            return is_kept

    def _bury(self, lease: Lease, position: int, reason: str) -> bool:
        with self.news:
            record = self.lanes[lease.lane][position - lease.done - 1].record
            return self._bury_record(lease.lane, record, self.tries.get(record.id, 0) + 1, reason)

    def _bury_record(self, lane: str, record: Record, attempts: int, reason: str) -> bool:
        row = self._row(record.channel)
        letter = DeadLetter(record.id, record.channel, lane, time.time(), attempts, reason, None, record.body)
        is_limited = self.limits_letters(record.channel)
        is_kept = not is_limited or record.id in self.letters or row.dead < LETTERS_LIMIT
        if is_kept:
            row.dead += record.id not in self.letters
            self.letters[record.id] = (letter, record)
        return is_kept

    def _is_held(self, lease: Lease) -> bool:
        return self.leases.get(lease.lane) is lease

    def _settle(self, lane: str, channel: str | None = None) -> bool:
        """
        Drop what has expired from the front of a lane that nobody holds, and note what it is ready for; whether that
        is (still) this channel.
        """
        if lane in self.leases or lane in self.delayed:
            return False
        kept = self.lanes.get(lane, deque())
        if not kept or kept[0].deadline <= time.monotonic():
            for lanes in self.ready.values():
                lanes.pop(lane, None)
        while kept and kept[0].deadline <= time.monotonic():
            row = self._row(kept.popleft().record.channel)
            row.depth -= 1
            row.expired += 1
        if not kept:
            self.lanes.pop(lane, None)
            return False
        self.ready.setdefault(kept[0].record.channel, {}).setdefault(lane)
        return kept[0].record.channel == channel

    def _sweep(self) -> None:
        """Free what ended threads have, and lanes that have rested."""
        self.readers.living()
        for lease in list(self.leases.values()):
            if not lease.holder.lives:
                self._release(lease, "The thread that took it died, each time")
                self._settle(lease.lane)
        for lanes in list(self.ready.values()):
            for lane in list(lanes)[:1]:
                self._settle(lane)
        for lane in [lane for lane, due in self.delayed.items() if due <= time.monotonic()]:
            del self.delayed[lane]
            self._settle(lane)

    # For who looks after it

    def _row(self, channel: str) -> ChannelStatus:
        return self.rows.setdefault(channel, ChannelStatus(channel))

    def status(self) -> list[ChannelStatus]:
        with self.news:
            for row in self.rows.values():
                row.age = 0.0
            for lane, kept in self.lanes.items():
                taken = self.leases[lane].left if lane in self.leases else 0
                for message in list(kept)[taken : taken + 1]:
                    row = self._row(message.record.channel)
                    row.age = max(row.age, time.time() - message.record.sent)
            return [self.rows[name] for name in sorted(self.rows)]

    def dead_letters(self) -> list[DeadLetter]:
        with self.news:
            for letter, record in self.letters.values():
                letter.content = self._readable(record.body)
            return sorted((letter for letter, _ in self.letters.values()), key=lambda letter: letter.died)

    def retry_dead(self, ids: Iterable[str]) -> int:
        with self.news:
            found = [self.letters[name] for name in ids if name in self.letters]
            for letter, record in found:
                self._put(Outgoing(record.channel, letter.lane, record.target, record.id, record.body))
            self.news.notify_all()
            return self.discard_dead([letter.id for letter, _ in found])

    def discard_dead(self, ids: Iterable[str]) -> int:
        with self.news:
            found = [self.letters.pop(name)[0] for name in ids if name in self.letters]
            for letter in found:
                self._row(letter.channel).dead -= 1
            return len(found)

    def note(self, kind: str, name: str, report: dict[str, Any], seconds: float) -> None:
        with self.news:
            self.reports[kind, name] = (time.monotonic() + seconds, report)

    def notes(self, kind: str) -> dict[str, dict[str, Any]]:
        with self.news:
            now = time.monotonic()
            self.reports = {key: kept for key, kept in self.reports.items() if kept[0] > now}
            return {name: report for (of, name), (_, report) in self.reports.items() if of == kind}

    def flush(self) -> None:
        with self.news:
            self.reset()
        self.groups.clear()
        self.readers.clear()
