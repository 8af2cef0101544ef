"""Who lives, and what is cleaned up after those that don't: alike on both databases."""

import secrets
from collections import Counter
from typing import Any

from relay.layers.database.leases import Leases
from relay.layers.database.store import marks
from relay.layers.upkeep import NOTES

#: Rows that one statement writes, and that one clean-up deletes at most.
BATCH, CLEARED = 300, 5000
#: Seconds for which a sender's last call is remembered.
MEMORY = 600


class Lives(Leases):
    """A part of the stores."""

    #: What ends the choice of rows for a clean-up that must wait for nobody.
    SKIP = ""

    def beat(self, lease: float, readers: list[str], processes: list[str]) -> tuple[str, int, float]:
        """
        Say who lives, for another lease. Returns the epoch, made up anew when the tables have lost what need not last,
        how many of the processes did not count as living, and the database's time.
        """

        def work(cursor: Any) -> tuple[str, int, float]:
            living: set[str] = set()
            for start in range(0, len(processes), BATCH):
                some = processes[start : start + BATCH]
                where = "SELECT name FROM relay_life WHERE kind = 'process' AND until > {now} AND name IN (%s)"
                # Locked: a sweep that removes them before they are prolonged would take their groups away unnoticed.
                locked = where % marks(some) + " ORDER BY name " + self.LOCK
                living |= {name for (name,) in self.select(cursor, locked, some)}
            # In one order, so that no two wait for each other.
            lives = sorted([("process", name) for name in processes] + [("reader", name) for name in readers])
            for start in range(0, len(lives), BATCH):
                self.prolong(cursor, lives[start : start + BATCH], lease)
            epoch, now = self.epoch(cursor)
            return epoch, len(set(processes) - living), now

        return self.do(work)

    def prolong(self, cursor: Any, lives: list[tuple[str, str]], seconds: float) -> None:
        values = ", ".join(["(%s, %s, {now} + %s)"] * len(lives))
        params = [value for kind, name in lives for value in (kind, name, seconds)]
        insert = "INSERT INTO relay_life (kind, name, until) VALUES %s" % values
        self.change(cursor, insert + " ON CONFLICT (kind, name) DO UPDATE SET until = excluded.until", params)

    def epoch(self, cursor: Any) -> tuple[str, float]:
        make = "INSERT INTO relay_epoch (name, swept) SELECT %s, 0 WHERE NOT EXISTS (SELECT 1 FROM relay_epoch)"
        make += " ON CONFLICT (one) DO NOTHING"
        self.change(cursor, make, [secrets.token_hex(8)])
        return self.select(cursor, "SELECT name, {now} FROM relay_epoch")[0]

    def sweep(self, pause: float, stall: float, limit: int) -> tuple[int, Counter[str]] | None:
        """
        Clean up, unless that was done less than `pause` seconds ago. One process does it at a time. Who could not beat
        for longer than `stall` seconds, since the database stood still or its clock jumped, is given that time. Returns
        how many lanes were taken from dead readers, and what has expired, by channel.
        """

        def work(cursor: Any) -> tuple[int, Counter[str]] | None:
            turn = self.turn(cursor, pause)
            if turn is None:
                return None
            # One time for all that lives and rests: while this stands still nobody beats, on SQLite, and the clock may
            # be set meanwhile.
            now, gap = turn
            self.give_time(cursor, now, gap, stall)
            released = self.bury_readers(cursor, now, limit)
            self.wake_rested(cursor, now)
            expired = self.bury_processes(cursor, now) + self.drop_expired(cursor)
            for table in ("relay_member", "relay_crowd"):
                self.change(cursor, "DELETE FROM %s WHERE until <= %%s" % table, [now])
            kinds = "DELETE FROM relay_life WHERE kind IN (%s) AND until <= %%s" % marks(NOTES)
            self.change(cursor, kinds, [*NOTES, now])
            self.change(cursor, "DELETE FROM relay_sender WHERE at < %s", [now - MEMORY])
            return released, expired

        return self.do(work)

    def turn(self, cursor: Any, pause: float) -> tuple[float, float] | None:
        """The time, and seconds since the last sweep, if it is this process's turn for one."""
        rows = self.select(cursor, "SELECT swept, {now} FROM relay_epoch m " + self.SKIP)
        if not rows:
            return None
        swept, now = rows[0]
        if 0 <= now - swept < pause:
            return None
        claimed = self.change(cursor, "UPDATE relay_epoch SET swept = %s WHERE swept = %s", [now, swept])
        return (now, now - swept) if claimed else None

    def give_time(self, cursor: Any, now: float, gap: float, stall: float) -> None:
        """The time in which nobody could beat, at most two stalls: after a standstill, or when the clock jumped."""
        if gap < 0:
            change = "UPDATE relay_life SET until = %s WHERE until > %s"
            self.change(cursor, change, [now + 2 * stall, now + 2 * stall])
            # What rests would rest until the clock is there again.
            self.change(cursor, "UPDATE relay_lease SET until = until + %s WHERE holder = ''", [gap])
        elif gap > stall:
            change = "UPDATE relay_life SET until = %s WHERE until < %s AND until > %s"
            # Who was dead before stays dead.
            self.change(cursor, change, [now + 2 * stall, now + 2 * stall, now - gap])

    def bury_readers(self, cursor: Any, now: float, limit: int) -> int:
        # Not who is just saying that he lives.
        gone = "SELECT name FROM relay_life m WHERE kind = 'reader' AND until <= %s " + self.SKIP
        dead = self.select(cursor, gone, [now])
        # Whoever has a lease and is not known is dead, too.
        dead += self.select(
            cursor,
            "SELECT DISTINCT holder FROM relay_lease l WHERE holder <> '' AND NOT EXISTS"
            " (SELECT 1 FROM relay_life r WHERE r.kind = 'reader' AND r.name = l.holder)",
        )
        reason = "Whoever took it died, each time"
        return sum(self.dismiss(cursor, name, reason, limit) for (name,) in sorted(dead))

    def wake(self) -> None:
        """End the rest of lanes that have rested."""

        def work(cursor: Any) -> None:
            ((now,),) = self.select(cursor, "SELECT {now}")
            self.wake_rested(cursor, now)

        self.do(work)

    def wake_rested(self, cursor: Any, now: float) -> None:
        """Part of a clean-up: as `wake`, by this time."""
        rested = self.select(cursor, "SELECT lane FROM relay_lease WHERE holder = '' AND until <= %s", [now])
        lanes = [lane for (lane,) in rested]
        for lane in lanes:
            self.change(cursor, "DELETE FROM relay_lease WHERE lane = %s AND holder = ''", [lane])
        self.ring_lanes(cursor, lanes)

    def bury_processes(self, cursor: Any, now: float) -> Counter[str]:
        """Forget interface processes that are gone, with what waits for them; returns how much that was."""
        expired: Counter[str] = Counter()
        gone = "SELECT name FROM relay_life m WHERE kind = 'process' AND until <= %s " + self.SKIP
        for (name,) in self.select(cursor, gone, [now]):
            for table in ("relay_member", "relay_crowd"):
                self.change(cursor, "DELETE FROM %s WHERE process = %%s" % table, [name])
            expired[name] = self.change(cursor, "DELETE FROM relay_message WHERE channel = %s", [name])
            self.change(cursor, "DELETE FROM relay_lease WHERE lane = %s", [name])
            self.change(cursor, "DELETE FROM relay_life WHERE kind = 'process' AND name = %s", [name])
        return +expired

    def drop_expired(self, cursor: Any) -> Counter[str]:
        """Delete messages that have expired and are in nobody's hands; returns how many, by channel."""
        found = self.select(
            cursor,
            "SELECT lane, id, channel FROM relay_message m WHERE deadline <= {now} AND NOT EXISTS"
            " (SELECT 1 FROM relay_lease l WHERE l.lane = m.lane AND l.size > 0) LIMIT %d %s" % (CLEARED, self.SKIP),
        )
        for start in range(0, len(found), BATCH):
            some = found[start : start + BATCH]
            either = " OR ".join(["lane = %s AND id = %s"] * len(some))
            self.change(cursor, "DELETE FROM relay_message WHERE " + either, [x for row in some for x in row[:2]])
        self.ring_lanes(cursor, sorted({row[0] for row in found}))
        return Counter(row[2] for row in found)

    def make_room(self) -> Counter[str]:
        """`drop_expired` now, for whoever finds a channel full."""
        return self.do(self.drop_expired)
