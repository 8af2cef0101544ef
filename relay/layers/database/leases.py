"""What becomes of messages in a reader's hands that are not simply handled: alike on both databases."""

from collections.abc import Iterable
from typing import Any

from relay.layers.database.store import Store
from relay.layers.policy import LETTERS_LIMIT

#: What is kept of a letter, and what it is made from.
LETTER = "mid, lane, channel, target, body, lifetime, died, attempts, reason"
BURY = """
    INSERT INTO relay_letter (%s)
    SELECT mid, lane, channel, target, body, deadline - sent, {now}, %%s, %%s FROM relay_message m
    WHERE lane = %%s AND id = %%s
        AND ((m.deadline - m.sent > 1e12 AND m.channel NOT LIKE 'websocket.%%%%')
            OR (SELECT count(*) FROM relay_letter l WHERE l.channel = m.channel) < %d
        )
    ON CONFLICT (mid) DO NOTHING
""" % (LETTER, LETTERS_LIMIT)
#: Whether a message is a dead letter.
BURIED = "SELECT 1 FROM relay_letter l JOIN relay_message m ON m.mid = l.mid WHERE m.lane = %s AND m.id = %s"

#: A lease, as a reader knows it: lane and number of the take.
Held = tuple[str, int]


class Leases(Store):
    """A part of the stores."""

    def renew(self, holder: str, leases: list[Held], seconds: float) -> list[bool]:
        """Which of these the reader still has. They stay its own for so long, as all that it has."""

        def work(cursor: Any) -> list[bool]:
            change = "UPDATE relay_life SET until = {now} + %s WHERE kind = 'reader' AND name = %s"
            lives = self.change(cursor, change, [seconds, holder])
            return [bool(lives and self.first_held(cursor, holder, lease)) for lease in leases]

        return self.do(work)

    def give_back(self, holder: str, leases: list[Held], reason: str, delay: float, limit: int) -> int:
        """
        End leases with the messages in their places, at once or after a rest. A reason says why the first message of
        each failed; after `limit` failures it is a dead letter. Returns how many the reader no longer had.
        """

        def work(cursor: Any) -> int:
            return sum(not self.release(cursor, holder, lease, reason, delay, limit) for lease in leases)

        return self.do(work)

    def bury(self, holder: str, lease: Held, message: int, attempts: int, reason: str) -> bool:
        """
        Make a message that the reader has a dead letter. It stays in its lane until it is acknowledged. False: there
        are too many of its channel.
        """

        def work(cursor: Any) -> bool:
            if self.first_held(cursor, holder, lease) is None:
                return True
            self.change(cursor, BURY, [attempts, reason, lease[0], message])
            # It may have been one before: the answer to a call may be lost.
            return bool(self.select(cursor, BURIED, [lease[0], message]))

        return self.do(work)

    def leave(self, holders: list[str], processes: list[str]) -> None:
        """What these readers have is free at once; and these interface processes are gone."""

        def work(cursor: Any) -> None:
            for holder in holders:
                self.dismiss(cursor, holder, "", 0)
            for process in processes:
                # In the order in which a group is entered and left, or they wait for each other.
                self.change(cursor, "DELETE FROM relay_member WHERE process = %s", [process])
                self.change(cursor, "DELETE FROM relay_crowd WHERE process = %s", [process])
                self.change(cursor, "DELETE FROM relay_life WHERE kind = 'process' AND name = %s", [process])

        self.do(work)

    def forget(self, holder: str, lease: float, answered: int, upto: int) -> None:
        """
        End what takes have leased whose answers were lost: those after the one that was answered, `upto` this one. From
        now on these are too late.
        """

        def work(cursor: Any) -> None:
            # Whichever of them is just under way is waited for.
            self.select(cursor, "SELECT 1 FROM relay_life WHERE kind = 'reader' AND name = %s " + self.LOCK, [holder])
            self.change(
                cursor,
                "INSERT INTO relay_life (kind, name, until, late) VALUES ('reader', %s, {now} + %s, %s)"
                # This call, too, may come late: what it knew nothing of is not its business.
                " ON CONFLICT (kind, name) DO UPDATE SET late = excluded.late"
                " WHERE coalesce(relay_life.late, 0) < excluded.late",
                [holder, lease, upto],
            )
            unknown = "FROM relay_lease WHERE holder = %s AND take > %s AND take <= %s"
            found = self.select(cursor, "SELECT lane " + unknown, [holder, answered, upto])
            self.change(cursor, "DELETE " + unknown, [holder, answered, upto])
            self.ring_lanes(cursor, [lane for (lane,) in found])

        self.do(work)

    def first_held(self, cursor: Any, holder: str, lease: Held) -> int | None:
        """The id of the first message of a lease, if the reader still has it."""
        where = "SELECT first FROM relay_lease WHERE lane = %s AND holder = %s AND take = %s"
        rows = self.select(cursor, where, [lease[0], holder, lease[1]])
        return rows[0][0] if rows else None

    def dismiss(self, cursor: Any, holder: str, reason: str, limit: int) -> int:
        """End a reader with all its leases; returns how many it had."""
        leases = self.select(cursor, "SELECT lane, take FROM relay_lease WHERE holder = %s", [holder])
        ended = sum(self.release(cursor, holder, (lane, take), reason, 0, limit) for lane, take in leases)
        self.change(cursor, "DELETE FROM relay_life WHERE kind = 'reader' AND name = %s", [holder])
        return ended

    def release(self, cursor: Any, holder: str, lease: Held, reason: str, delay: float, limit: int) -> bool:
        """End a lease, as `give_back` tells; whether the reader still had it. Meanwhile it may be another's."""
        first = self.first_held(cursor, holder, lease)
        held = [lease[0], holder, lease[1]]
        rest = "UPDATE relay_lease SET holder = '', take = 0, size = 0, until = {now} + %s"
        if first is None or not self.change(
            cursor, rest + " WHERE lane = %s AND holder = %s AND take = %s", [delay, *held]
        ):
            return False
        if reason:
            self.note_failure(cursor, [lease[0], first], reason, limit)
        if not (delay and self.heads(cursor, [lease[0]])):
            self.change(cursor, "DELETE FROM relay_lease WHERE lane = %s AND holder = ''", [lease[0]])
            self.ring_lanes(cursor, [lease[0]])
        return True

    def note_failure(self, cursor: Any, place: list[Any], reason: str, limit: int) -> None:
        """Of the message at this lane and id. After so many it is a dead letter."""
        self.change(cursor, "UPDATE relay_message SET tries = tries + 1 WHERE lane = %s AND id = %s", place)
        rows = self.select(cursor, "SELECT tries FROM relay_message WHERE lane = %s AND id = %s", place)
        if rows and rows[0][0] >= limit:
            self.change(cursor, BURY, [rows[0][0], reason, *place])
            self.change(cursor, "DELETE FROM relay_message WHERE lane = %s AND id = %s", place)

    def heads(self, cursor: Any, lanes: Iterable[str]) -> list[str]:
        """The channels of the first messages of these lanes."""
        first = "SELECT channel FROM relay_message WHERE lane = %s AND deadline > {now} ORDER BY id LIMIT 1"
        return [row[0] for lane in lanes for row in self.select(cursor, first, [lane])]

    def ring_lanes(self, cursor: Any, lanes: Iterable[str]) -> None:
        """Wake whoever waits for what is first in these lanes."""
        if channels := self.heads(cursor, lanes):
            self.ring(cursor, set(channels))
