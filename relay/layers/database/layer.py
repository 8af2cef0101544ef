"""The layer in the project's own database: several processes, and no other service."""

import functools
import itertools
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from relay.exceptions import LayerUnavailable
from relay.layers.database.counts import Counts
from relay.layers.database.figures import Figures
from relay.layers.database.reader import DatabaseReader, RowLease, ends
from relay.layers.database.store import Call, Room, Store, Taken
from relay.layers.delivery import (
    ChannelStatus,
    DeadLetter,
    Delivery,
    Lease,
    Outgoing,
    Record,
    by_holder,
    finish,
    leases_of,
    storable,
    warn_of_lost,
)
from relay.layers.heart import Beating, warn_of_released
from relay.layers.policy import without_redis

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Messages that a take takes at most.
BATCH = 500
#: The part of a channel's room that a process may fill without counting again what waits there, within so many seconds.
SHARE, ALLOWED = 8, 0.5


class DatabaseChannelLayer(Beating):
    """
    relay's contract (`relay.layers.base`) in SQLite or PostgreSQL, through Django's connection. `manage.py migrate`
    makes its tables.

    What a thread does with it inside `transaction.atomic` on that database is part of the transaction: what is sent
    there exists if and only if it is committed, and can't be received before. Take and acknowledge outside of any.

    alias: of the database, as in DATABASES. It holds one such layer.
    direct_url: of PostgreSQL itself, where the alias leads to a pooler that gives each transaction another session
    (PgBouncer's pool_mode = transaction): notifications reach nobody through that.
    """

    extensions = [*Beating.extensions, "transactions"]

    def __init__(self, *args: Any, alias: str = "default", direct_url: str = "", **kwargs: Any):
        super().__init__(*args, **without_redis(kwargs))
        self.store: Any = make_store(alias, direct_url)
        #: Channel → how many messages may be sent there without counting what waits, and until when.
        self.allowed: dict[str, tuple[int, float]] = {}
        self.counts = Counts(self.store)

    def __str__(self) -> str:
        return "%s (database %r)" % (type(self).__name__, self.store.alias)

    @property
    def in_transaction(self) -> bool:
        """Whether what this thread does here is part of a transaction that it has begun."""
        return self.store.in_transaction

    @property
    def remotes(self) -> list[Store]:
        return [self.store]

    def _make_reader(self, name: str) -> DatabaseReader:
        return DatabaseReader(name, self.store.make_bell(name))

    def _patiently(self, task: Callable[[], T]) -> T:
        """A transaction is not tried again by parts."""
        return self.store.patiently(task, 0 if self.store.in_transaction else self._patience_of_sender())

    def _once(self, task: Callable[[Call], T]) -> T:
        """Do a sending task so that it has its effect once, though it may be tried again."""
        if self.store.in_transaction:
            return task(Call())
        name, number = self.sender.next_call(self.new_id)
        tries = itertools.count()
        return self._patiently(lambda: task(Call(name, number, next(tries) > 0)))

    # Sending

    def _send(self, outgoing: list[Outgoing]) -> list[int]:
        if not outgoing:
            return []
        refused = self._put(outgoing, list(range(len(outgoing))))
        if refused and not self.store.in_transaction and self._make_room():
            refused = self._put(outgoing, refused)
        full = set(refused)
        self.counts.add(
            (message.channel, "refused" if position in full else "sent") for position, message in enumerate(outgoing)
        )
        return refused

    def _put(self, outgoing: list[Outgoing], positions: list[int]) -> list[int]:
        """Send those at these positions; returns the positions of those that were refused."""
        messages = [outgoing[position] for position in positions]
        numbers: dict[tuple[str, int], int] = {}
        which = [numbers.setdefault((message.channel, self.share_of(message)), len(numbers)) for message in messages]
        amounts = Counter(which)
        rooms = [self._room(channel, amounts[number], share) for (channel, share), number in numbers.items()]
        places, left = self._once(lambda call: self.store.send(call, rooms, which, messages))
        until = time.monotonic() + ALLOWED
        for room, space in zip(rooms, left, strict=True):
            if room.capacity is not None and space >= SHARE:
                self.allowed[room.channel] = (space // SHARE, until)
        return [positions[place] for place in places]

    def _room(self, channel: str, amount: int, share: int) -> Room:
        """To count what waits takes longer, the more that is. So this process may send a little without it."""
        space, until = self.allowed.pop(channel, (0, 0.0))
        known = space >= amount and time.monotonic() < until
        if known:
            self.allowed[channel] = (space - amount, until)
        expiry = self.expiry_of(channel)
        capacity = None if known else self.get_capacity(channel)
        return Room(channel, capacity, math.inf if expiry is None else expiry, share)

    def _make_room(self) -> bool:
        """Drop what has expired; whether there was something."""
        expired = self._patiently(self.store.make_room)
        self.counts.expired(expired)
        return bool(expired)

    # Receiving

    def _lease(
        self, reader: DatabaseReader, names: list[str], limit: int, block: bool, done: list[Delivery]
    ) -> list[tuple[Lease, list[Record]]]:
        self._start()
        self._owe(reader, done)
        give_up_at = time.monotonic() + self.blpop_timeout
        while True:
            if block and not reader.closed:
                # Before looking: what comes after the look is heard.
                reader.bell.hear(names)
            leases = self._look(reader, names, min(limit, BATCH))
            left = give_up_at - time.monotonic()
            if leases or not block or reader.closed or left <= 0:
                return leases or []
            # A database that is away rings no bell.
            reader.bell.wait(left if leases is not None else min(left, max(0.01, self.store.pause())))

    def _owe(self, reader: DatabaseReader, done: Iterable[Delivery]) -> None:
        """Tell with the next look of this reader what is done, or now if another took it."""
        for holder, leases in by_holder(finish(done)).items():
            if holder is not reader:
                self._tell(holder, leases)
                continue
            for lease in leases:
                reader.owed.add(lease)

    def _look(self, reader: DatabaseReader, names: list[str], limit: int) -> list[tuple[Lease, list[Record]]] | None:
        """Tell what is owed, and take. None if the database is away: then both may have happened all the same."""
        again = reader.takes > reader.answered
        owed = reader.owed.first(BATCH)
        try:
            if again:
                self.store.forget(reader.name, self.lease, reader.answered, reader.takes)
            reader.takes += 1
            self.store.catch_up()
            taken, lost = self.store.take(reader.name, self.lease, reader.takes, names, limit, ends(owed))
        except LayerUnavailable:
            return None
        reader.answered = reader.takes
        reader.owed.told(owed)
        if not again:
            warn_of_lost(lost)
        return [self._leased(reader, list(run)) for _, run in itertools.groupby(taken, key=lambda row: row.lane)]

    def _leased(self, reader: DatabaseReader, run: list[Taken]) -> tuple[Lease, list[Record]]:
        lease = RowLease(run[0].lane, reader, reader.takes, len(run), ids=[row.id for row in run])
        return lease, [Record(row.mid, row.sent, row.channel, row.target, row.body, row.tries + 1) for row in run]

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        for reader, leases in by_holder(finish(deliveries)).items():
            self._tell(reader, leases)

    def _tell(self, reader: DatabaseReader, leases: list[Lease]) -> None:
        """Say how far these leases are done, now or as soon as the database is back."""
        now = [(lease, lease.done) for lease in leases]
        ended = ends(now)
        warn_of_lost(self.store.or_later(lambda: self.store.acknowledge(reader.name, ended)))
        reader.owed.told(now)

    def give_back(self, deliveries: Iterable[Delivery], reason: str = "", delay: float = 0) -> None:
        for reader, leases in by_holder(leases_of(deliveries)).items():
            self._settle(reader)
            asked = (reader.name, [lease.held for lease in leases], storable(reason), delay, self.max_deliveries)
            warn_of_lost(self.store.or_later(functools.partial(self.store.give_back, *asked)))
            self._rest(self.store, delay)

    def leave(self) -> None:
        reader = self.readers.forget_here()
        if reader is not None:
            self._settle(reader)
            self.store.or_later(lambda: self.store.leave([reader.name], []))
            reader.close()

    def _settle(self, reader: DatabaseReader) -> None:
        """Tell what was not told with a take."""
        if reader.owed:
            self._tell(reader, list(reader.owed.leases))

    def renew(self, deliveries: Iterable[Delivery]) -> list[Delivery]:
        deliveries = list(deliveries)
        still = set()
        for reader, leases in by_holder(leases_of(deliveries)).items():
            asked = (reader.name, [lease.held for lease in leases], self.lease)
            answer = self._patiently(functools.partial(self.store.renew, *asked))
            still |= {lease for lease, has in zip(leases, answer, strict=True) if has}
        return [delivery for delivery in deliveries if delivery.lease in still]

    def dead_letter(self, delivery: Delivery, reason: str) -> bool:
        lease = delivery.lease
        if lease is None or delivery.position <= lease.done:
            return True
        is_kept = self._bury(lease, delivery.place, reason, delivery.content.attempts)
        self.acknowledge([delivery])
        return is_kept

    def _bury(self, lease: Lease, position: int, reason: str, attempts: int = 1) -> bool:
        assert isinstance(lease, RowLease)
        asked = (lease.holder.name, lease.held, lease.ids[position - 1], attempts, storable(reason))
        return self.store.or_later(lambda: self.store.bury(*asked)) is not False

    # Groups

    def group_add(self, group: str, channel: str) -> None:
        """A channel is a member for `group_expiry` seconds from now, and no longer than its process lives."""
        self._check_member(group, channel)
        process = self._process_of(channel)
        self._add(group, process, [channel], self._told(process, "+%s/%s" % (group, channel)))

    def _add(self, group: str, process: str, channels: list[str], tell: Outgoing | None = None) -> None:
        room = Room(process, self.get_capacity(process) if process else 0, self.group_expiry)
        self._patiently(lambda: self.store.group_add(group, process, channels, room, self.lease, tell))

    def _told(self, process: str, target: str) -> Outgoing | None:
        """What tells an interface process about its sockets, in the queue of its messages."""
        if not process:
            return None
        return Outgoing(process, process, target, self.new_id(), b"%d" % (self.group_expiry * 1000))

    def group_discard(self, group: str, channel: str) -> None:
        """A channel is no member any more. Harmless if it was none."""
        self._check_member(group, channel)
        process = self._process_of(channel)
        tell = self._told(process, "-%s/%s" % (group, channel))
        self._patiently(lambda: self.store.group_discard(group, process, channel, tell, self.group_expiry))

    def group_channels(self, group: str) -> list[str]:
        self.valid_group_name(group)
        return self._patiently(lambda: self.store.group_channels(group))

    def send_to_groups(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        messages = list(messages)
        packed = [self._group_message(group, message) for group, message in messages]
        numbers: dict[str, int] = {}
        which = [numbers.setdefault(group, len(numbers)) for group, _ in messages]
        groups = list(numbers)
        if not groups:
            return
        found = self._once(lambda call: self.store.group_send(call, groups, which, packed, self.expiry))
        dropped: Counter[str] = Counter()
        for process, number, missed, members in found:
            dropped[groups[number]] += missed
            if process:
                self.counts.add([(process, "refused")] * missed)
            contents = [message for group, message in messages if group == groups[number]]
            dropped[groups[number]] += len(
                self.send_many([(name, content) for content in contents for name in members])
            )
        self._warn_of_dropped(dropped)

    def _home_of(self, group: str) -> Store:
        return self.store

    # Who lives

    def _beat(self, store: Any) -> tuple[str, int, float]:
        store.use_pulse(self._pulse)
        readers, processes = self.who_lives()
        return store.beat(self.lease, [reader.name for reader in readers], processes)

    def _wake_rested(self, store: Any) -> None:
        store.wake()

    def _clean_up(self, store: Any, pause: float) -> None:
        self.counts.write()
        swept = store.sweep(pause, self.lease / 2, self.max_deliveries)
        if swept is None:
            return
        released, expired = swept
        warn_of_released(released)
        self.counts.expired(expired)
        store.tidy()

    def _take_leave(self, store: Any, readers: list[DatabaseReader], processes: list[str]) -> None:
        for reader in readers:
            self._settle(reader)
        store.leave([reader.name for reader in readers], processes)

    def close(self) -> None:
        super().close()
        self.counts.write(wait=True)
        self.store.close()

    # For who looks after it

    def status(self) -> list[ChannelStatus]:
        # In a transaction the other thread may wait for this one.
        self.counts.write(wait=not self.in_transaction)
        return self.store.status()

    def dead_letters(self) -> list[DeadLetter]:
        letters = self.store.letters()
        for letter in letters:
            letter.content = self._readable(letter.raw)
        return letters

    def retry_dead(self, ids: Iterable[str]) -> int:
        return self.store.retry_letters(list(ids))

    def discard_dead(self, ids: Iterable[str]) -> int:
        return self.store.discard_letters(list(ids))

    def note(self, kind: str, name: str, report: dict[str, Any], seconds: float) -> None:
        try:
            self.store.note(kind, name, report, seconds)
        except LayerUnavailable as e:
            logger.info("The layer was not told of %s %s: %s", kind, name, e)

    def notes(self, kind: str) -> dict[str, dict[str, Any]]:
        return self.store.notes(kind)

    def flush(self) -> None:
        """Delete everything that the layer keeps. For tests: it takes what others wait for, too."""
        self.store.flush()
        self.counts.clear()
        self.readers.clear()
        self.groups.clear()


def make_store(alias: str, direct_url: str) -> Figures:
    from relay.layers.database.postgresql import PostgresqlStore
    from relay.layers.database.sqlite import SqliteStore

    vendor = connections[alias].vendor
    if vendor == "postgresql":
        return PostgresqlStore(alias, direct_url)
    if vendor == "sqlite":
        return SqliteStore(alias)
    raise ImproperlyConfigured(
        "The database layer knows postgresql and sqlite, and DATABASES[%r] is on %s" % (alias, vendor)
    )
