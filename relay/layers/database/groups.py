"""Groups in the database: a group lists interface processes, and a broadcast is one message for each."""

from typing import Any

from relay.layers.database.store import Store, columns_of
from relay.layers.delivery import Outgoing

EMPTY = "SELECT 1 FROM relay_member WHERE crowd = %s AND process = %s LIMIT 1"


class Groups(Store):
    """A part of the stores: what both databases do alike."""

    def group_channels(self, group: str) -> list[str]:
        select = (
            "SELECT channel FROM relay_member m WHERE crowd = %s AND until > {now} AND (process = '' OR EXISTS"
            " (SELECT 1 FROM relay_life l WHERE l.kind = 'process' AND l.name = m.process AND l.until > {now}))"
        )
        return [channel for (channel,) in self.do(lambda cursor: self.select(cursor, select, [group]), whole=True)]

    def group_discard(self, group: str, process: str, channel: str, tell: Outgoing | None, expiry: float) -> None:
        """Take a channel out of a group, and tell its process."""

        def work(cursor: Any) -> None:
            delete = "DELETE FROM relay_member WHERE crowd = %s AND channel = %s"
            self.change(cursor, delete, [group, channel])
            self.drop_if_empty(cursor, group, process)
            if tell is not None:
                self.tell(cursor, tell, expiry)

        self.do(work)

    def drop_if_empty(self, cursor: Any, group: str, process: str) -> None:
        """
        Broadcasts look for the process no more if it has no members. Who adds one just now has the row in its hands:
        it is waited for, and then looked for again.
        """
        crowd = [group, process]
        if self.select(cursor, EMPTY, crowd):
            return
        self.select(cursor, "SELECT 1 FROM relay_crowd WHERE crowd = %s AND process = %s " + self.LOCK, crowd)
        if not self.select(cursor, EMPTY, crowd):
            self.change(cursor, "DELETE FROM relay_crowd WHERE crowd = %s AND process = %s", crowd)

    def tell(self, cursor: Any, message: Outgoing, expiry: float) -> None:
        """Put a message into the queue of an interface process, which has always room for it."""
        self.insert(cursor, [(*columns_of(message), expiry)])
        self.ring(cursor, [message.channel])
