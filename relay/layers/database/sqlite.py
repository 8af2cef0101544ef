"""The store on SQLite: several processes of one machine. Whoever writes has the file to himself."""

import contextlib
import functools
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from relay.layers.database import fifos
from relay.layers.database.figures import Figures
from relay.layers.database.groups import Groups
from relay.layers.database.lives import Lives
from relay.layers.database.store import Call, End, Room, Taken, columns_of
from relay.layers.delivery import Outgoing

COLUMNS = "lane, id, channel, target, mid, body, sent, tries"
#: Bytes after which a take has enough.
ENOUGH = 4_000_000


class SqliteStore(Lives, Groups, Figures):
    """
    Statements in Python: they cost microseconds each, for the database is in the process.

    A commit waits for the disk only if something durable was sent. Others are there when any process dies, but a power
    cut may take the last of them: frames on their way, whose senders have no answer yet.
    """

    #: 40 µs exact.
    NOW = "((julianday('now') - 2440587.5) * 86400.0)"

    @property
    def folder(self) -> Path:
        """Where the bells are."""
        return Path("%s-bells" % self.connection.settings_dict["NAME"])

    @contextlib.contextmanager
    def atomic(self, durable: bool) -> Iterator[None]:
        connection = self.connection
        connection.ensure_connection()
        if not durable:
            connection.connection.execute("PRAGMA synchronous = NORMAL")
        try:
            with transaction.atomic(using=self.alias):
                yield
        finally:
            if not durable and connection.connection is not None:
                connection.connection.execute("PRAGMA synchronous = FULL")

    def send(
        self, call: Call, rooms: list[Room], which: list[int], messages: list[Outgoing]
    ) -> tuple[list[int], list[int]]:
        def work(cursor: Any) -> tuple[list[int], list[int]]:
            left = [0] * len(rooms)
            refused = self.repeated(cursor, call)
            if refused is not None:
                return refused, left
            left = [self.room(cursor, room.channel, room.capacity) for room in rooms]
            refused = []
            shut: set[str] = set()
            lanes: Counter[str] = Counter()
            rows = []
            for place, (number, message) in enumerate(zip(which, messages, strict=True)):
                full = left[number] <= 0 and self.has_its_share(cursor, message.lane, rooms[number].share, lanes)
                if full or message.lane in shut:
                    shut.add(message.lane)
                    refused.append(place)
                else:
                    left[number] -= 1
                    lanes[message.lane] += 1
                    rows.append((*columns_of(message), rooms[number].expiry))
            self.insert(cursor, rows)
            self.ring(cursor, {room.channel for room in rooms})
            if call.sender and refused:
                change = "UPDATE relay_sender SET answer = %s WHERE name = %s"
                self.change(cursor, change, [json.dumps(refused), call.sender])
            return refused, left

        return self.do(work, durable=any(room.expiry == math.inf for room in rooms))

    def has_its_share(self, cursor: Any, lane: str, share: int, more: Counter[str]) -> bool:
        """Whether as many messages wait in a lane as may, however full its channel is; `more` of it are sent now."""
        some = "SELECT 1 FROM relay_message WHERE lane = %s LIMIT %s"
        present = self.select(cursor, "SELECT count(*) FROM (%s)" % some, [lane, share]) if share else [(0,)]
        return present[0][0] + more[lane] >= share

    def repeated(self, cursor: Any, call: Call) -> list[int] | None:
        """Note a sender's call; returns what it was answered if it was made before. See `repeated.sql`."""
        if not call.sender:
            return None
        note = (
            "INSERT INTO relay_sender (name, call, answer, at) VALUES (%s, %s, '[]', {now}) ON CONFLICT (name)"
            " DO UPDATE SET call = excluded.call, answer = '[]', at = excluded.at WHERE call < excluded.call"
        )
        if self.change(cursor, note, [call.sender, call.number]):
            return None
        ((answer,),) = self.select(cursor, "SELECT answer FROM relay_sender WHERE name = %s", [call.sender])
        return json.loads(answer)

    def room(self, cursor: Any, channel: str, capacity: int | None) -> int:
        """How many more messages a channel takes; see `relay/sql/postgresql/room.sql`."""
        if capacity is None:
            return sys.maxsize
        flying = self.select(cursor, "SELECT coalesce(sum(size), 0) FROM relay_lease WHERE channel = %s", [channel])
        most = capacity + flying[0][0]
        some = "SELECT 1 FROM relay_message WHERE channel = %s LIMIT %s"
        present = self.select(cursor, "SELECT count(*) FROM (%s)" % some, [channel, most])
        return most - present[0][0]

    def take(
        self, holder: str, lease: float, take: int, names: list[str], limit: int, ends: list[End]
    ) -> tuple[list[Taken], int]:
        # To look costs nobody else anything, and mostly there is nothing.
        if not ends and not self.do(lambda cursor: self.candidates(cursor, names, 1), whole=True):
            return [], 0

        def work(cursor: Any) -> tuple[list[Taken], int]:
            lost, freed = self.end(cursor, holder, ends)
            taken = self.choose(cursor, names, limit)
            if taken:
                self.lend(cursor, holder, lease, take, taken)
            # What the lanes that are free have more is for another reader, and so is what this one has no room for.
            leased = {message.lane for message in taken}
            self.ring_lanes(cursor, [lane for lane in freed if lane not in leased])
            if len(taken) >= limit or (taken and taken[-1].tries):
                self.ring(cursor, {message.channel for message in taken})
            return taken, lost

        return self.do(work)

    def candidates(self, cursor: Any, names: list[str], limit: int) -> list[str]:
        """Lanes that are ready for one of these channels, the one with the oldest message first."""
        rows = self.select(cursor, ready(len(names)), [*[x for name in names for x in (name, *names, limit)], limit])
        return list(dict.fromkeys(lane for lane, _ in rows))

    def choose(self, cursor: Any, names: list[str], limit: int) -> list[Taken]:
        """The next messages; see `relay/sql/postgresql/take.sql`."""
        taken: list[Taken] = []
        size = 0
        for lane in self.candidates(cursor, names, limit):
            if len(taken) >= limit or size > ENOUGH:
                break
            select = (
                "SELECT %s FROM relay_message WHERE lane = %%s AND deadline > {now} ORDER BY id LIMIT %%s" % COLUMNS
            )
            run = [Taken(*row) for row in self.select(cursor, select, [lane, limit - len(taken)])]
            if not run:
                continue  # It has expired just now.
            if run[0].tries:
                return taken or run[:1]
            for message in run:
                if message.channel != run[0].channel or message.tries or size > ENOUGH:
                    break
                taken.append(message)
                size += len(message.body)
        return taken

    def lend(self, cursor: Any, holder: str, lease: float, take: int, taken: list[Taken]) -> None:
        know = "INSERT OR IGNORE INTO relay_life (kind, name, until) VALUES ('reader', %s, {now} + %s)"
        self.change(cursor, know, [holder, lease])
        first = {message.lane: message for message in reversed(taken)}
        sizes = Counter(message.lane for message in taken)
        columns = "lane, holder, take, channel, first, size, until"
        cursor.executemany(
            "INSERT INTO relay_lease (%s) VALUES (%%s, %%s, %%s, %%s, %%s, %%s, 0)" % columns,
            [(lane, holder, take, first[lane].channel, first[lane].id, size) for lane, size in sizes.items()],
        )

    def acknowledge(self, holder: str, ends: list[End]) -> int:
        def work(cursor: Any) -> int:
            lost, freed = self.end(cursor, holder, ends)
            self.ring_lanes(cursor, freed)
            return lost

        return self.do(work)

    def end(self, cursor: Any, holder: str, ends: list[End]) -> tuple[int, list[str]]:
        """End leases; returns how many the reader no longer had, and the lanes that are free."""
        lost, freed = 0, []
        for end in ends:
            if self.first_held(cursor, holder, (end.lane, end.take)) is None:
                lost += 1
                continue
            cursor.executemany("DELETE FROM relay_message WHERE id = %s", [(number,) for number in end.done])
            if end.left:
                # What was told later may have come before.
                change = "UPDATE relay_lease SET first = %s, size = %s WHERE lane = %s AND first < %s"
                self.change(cursor, change, [end.next, end.left, end.lane, end.next])
            else:
                self.change(cursor, "DELETE FROM relay_lease WHERE lane = %s", [end.lane])
                freed.append(end.lane)
        return lost, freed

    def group_add(
        self, group: str, process: str, channels: list[str], room: Room, lease: float, tell: Outgoing | None
    ) -> None:
        def work(cursor: Any) -> None:
            cursor.executemany(
                "INSERT OR REPLACE INTO relay_member (crowd, channel, process, until) VALUES (%%s, %%s, %%s, %s + %%s)"
                % self.NOW,
                [(group, channel, process, room.expiry) for channel in channels],
            )
            crowd = (
                "INSERT OR REPLACE INTO relay_crowd (crowd, process, capacity, until) VALUES (%s, %s, %s, {now} + %s)"
            )
            self.change(cursor, crowd, [group, process, room.capacity, room.expiry])
            if process:
                know = "INSERT OR IGNORE INTO relay_life (kind, name, until) VALUES ('process', %s, {now} + %s)"
                self.change(cursor, know, [process, lease])
            if tell is not None:
                self.tell(cursor, tell, room.expiry)

        self.do(work)

    def group_send(
        self, call: Call, groups: list[str], which: list[int], messages: list[tuple[str, bytes]], expiry: float
    ) -> list[tuple[str, int, int, list[str]]]:
        def work(cursor: Any) -> list[tuple[str, int, int, list[str]]]:
            members: dict[str, dict[int, None]] = {}
            capacities: dict[str, int] = {}
            answers: list[tuple[str, int, int, list[str]]] = []
            for number, group in enumerate(groups):
                for process, capacity in self.select(cursor, QUEUES, [group]):
                    members.setdefault(process, {})[number] = None
                    capacities[process] = capacity
                ordinary = "SELECT channel FROM relay_member WHERE crowd = %s AND process = '' AND until > {now}"
                if found := self.select(cursor, ordinary, [group]):
                    answers.append(("", number, 0, [channel for (channel,) in found]))
            repeated = self.repeated(cursor, call) is not None
            for process, numbers in () if repeated else members.items():
                mine = [place for place, number in enumerate(which) if number in numbers]
                room = self.room(cursor, process, capacities[process])
                rows = [(process, process, "@" + groups[which[i]], *messages[i], expiry) for i in mine[:room]]
                self.insert(cursor, rows)
                missed = Counter(which[i] for i in mine[room:])
                answers += [(process, number, count, []) for number, count in missed.items()]
            self.ring(cursor, members)
            return answers

        return self.do(work)

    def ring(self, cursor: Any, channels: Iterable[str]) -> None:
        names = list(channels)
        transaction.on_commit(lambda: fifos.ring(self.folder, names), using=self.alias)

    def make_bell(self, reader: str) -> fifos.Fifo:
        if self.connection.is_in_memory_db():
            raise ImproperlyConfigured("%s needs a file: a database in memory is seen by one thread only" % self.name)
        return fifos.Fifo(self.folder, reader)

    def tidy(self) -> None:
        fifos.tidy(self.folder)


QUEUES = """
    SELECT process, capacity FROM relay_crowd c WHERE crowd = %s AND until > {now} AND process <> '' AND EXISTS
        (SELECT 1 FROM relay_life l WHERE l.kind = 'process' AND l.name = c.process AND l.until > {now})
"""


@functools.cache
def ready(channels: int) -> str:
    """The statement for `candidates`, with so many channels."""
    others = ", ".join(["%s"] * channels)
    one = (
        """
        SELECT * FROM (SELECT m.lane, m.id FROM relay_message m WHERE m.channel = %%s AND m.deadline > {now}
            AND NOT EXISTS (SELECT 1 FROM relay_lease l WHERE l.lane = m.lane)
            AND NOT EXISTS (SELECT 1 FROM relay_message h WHERE h.lane = m.lane AND h.id < m.id AND h.deadline > {now}
                AND h.channel NOT IN (%s))
            ORDER BY m.id LIMIT %%s)
    """
        % others
    )
    return " UNION ALL ".join([one] * channels) + " ORDER BY 2 LIMIT %s"
