"""What the stores tell those who look after the layer: alike on both databases."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from relay.layers.database.leases import LETTER
from relay.layers.database.schema import TABLES
from relay.layers.database.store import Store, marks
from relay.layers.delivery import ChannelStatus, DeadLetter

#: What is counted of a channel.
COUNTED = ("sent", "refused", "expired")

#: Of each channel: what waits, for how long, what is in somebody's hands, and dead letters. In one statement: a message
#: that goes from one of these to another between two would be in neither.
CHANNELS = """
    SELECT channel, count(*), {now} - min(sent), 0, 0 FROM (
        SELECT m.channel, m.sent, row_number() OVER (PARTITION BY m.lane ORDER BY m.id) AS place,
            coalesce(l.size, 0) AS held
        FROM relay_message m LEFT JOIN relay_lease l ON l.lane = m.lane
        WHERE m.deadline > {now} OR l.size > 0
    ) waiting WHERE place > held GROUP BY channel
    UNION ALL SELECT channel, 0, 0, sum(size), 0 FROM relay_lease WHERE size > 0 GROUP BY channel
    UNION ALL SELECT channel, 0, 0, 0, count(*) FROM relay_letter GROUP BY channel
"""


class Figures(Store):
    """A part of the stores."""

    def count(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Add to what is counted: (channel, one of COUNTED) → number."""
        rows: dict[str, Counter[str]] = defaultdict(Counter)
        for (channel, what), number in counts.items():
            rows[channel][what] += number

        def work(cursor: Any) -> None:
            for channel in sorted(rows):
                self.change(
                    cursor,
                    "INSERT INTO relay_count (channel, sent, refused, expired) VALUES (%s, %s, %s, %s)"
                    " ON CONFLICT (channel) DO UPDATE SET sent = relay_count.sent + excluded.sent,"
                    " refused = relay_count.refused + excluded.refused,"
                    " expired = relay_count.expired + excluded.expired",
                    [channel, *(rows[channel][what] for what in COUNTED)],
                )

        self.do(work)

    def status(self) -> list[ChannelStatus]:
        rows: dict[str, ChannelStatus] = {}

        def row(channel: str) -> ChannelStatus:
            return rows.setdefault(channel, ChannelStatus(channel))

        def work(cursor: Any) -> None:
            for channel, depth, age, flying, dead in self.select(cursor, CHANNELS):
                figures = row(channel)
                figures.depth += depth
                figures.age = max(figures.age, age)
                figures.in_flight += int(flying)
                figures.dead += dead
            for channel, *counts in self.select(cursor, "SELECT channel, %s FROM relay_count" % ", ".join(COUNTED)):
                row(channel).sent, row(channel).full, row(channel).expired = counts

        self.do(work, whole=True)
        return [rows[channel] for channel in sorted(rows)]

    def letters(self) -> list[DeadLetter]:
        """The dead letters, the oldest first, not yet read."""
        select = "SELECT %s FROM relay_letter ORDER BY died, mid" % LETTER
        found = self.do(lambda cursor: self.select(cursor, select), whole=True)
        return [
            DeadLetter(mid, channel, lane, died, attempts, reason, None, bytes(body))
            for mid, lane, channel, _, body, _, died, attempts, reason in found
        ]

    def retry_letters(self, mids: list[str]) -> int:
        """Put them at the ends of their lanes, as fresh as when they were sent; returns how many there were."""
        return self.do(lambda cursor: sum(self.retry_letter(cursor, mid) for mid in mids))

    def retry_letter(self, cursor: Any, mid: str) -> bool:
        rows = self.select(cursor, "SELECT channel FROM relay_letter WHERE mid = %s " + self.LOCK, [mid])
        if rows:
            columns = "lane, channel, target, mid, body"
            insert = "INSERT INTO relay_message (%s, sent, deadline%s) SELECT %s, {now}, {now} + lifetime%s FROM" % (
                *(columns, *self.DURABLE[:1], columns, *self.DURABLE[1:]),
            )
            self.change(cursor, insert + " relay_letter WHERE mid = %s", [mid])
            self.change(cursor, "DELETE FROM relay_letter WHERE mid = %s", [mid])
            self.ring(cursor, [rows[0][0]])
        return bool(rows)

    #: A column of messages, and how it is made from a letter; where there is such a column.
    DURABLE = ("", "")

    def discard_letters(self, mids: list[str]) -> int:
        delete = "DELETE FROM relay_letter WHERE mid IN (%s)" % marks(mids)
        return self.do(lambda cursor: self.change(cursor, delete, mids)) if mids else 0

    def note(self, kind: str, name: str, report: dict[str, Any], seconds: float) -> None:
        def work(cursor: Any) -> None:
            if not seconds:
                self.change(cursor, "DELETE FROM relay_life WHERE kind = %s AND name = %s", [kind, name])
                return
            self.change(
                cursor,
                "INSERT INTO relay_life (kind, name, until, report) VALUES (%s, %s, {now} + %s, %s)"
                " ON CONFLICT (kind, name) DO UPDATE SET until = excluded.until, report = excluded.report",
                [kind, name, seconds, json.dumps(report)],
            )

        self.do(work)

    def notes(self, kind: str) -> dict[str, dict[str, Any]]:
        select = "SELECT name, report FROM relay_life WHERE kind = %s AND until > {now} ORDER BY name"
        found = self.do(lambda cursor: self.select(cursor, select, [kind]), whole=True)
        return {name: json.loads(report) for name, report in found}

    def flush(self) -> None:
        def work(cursor: Any) -> None:
            for table in TABLES:
                self.change(cursor, "DELETE FROM %s" % table)

        self.do(work)
