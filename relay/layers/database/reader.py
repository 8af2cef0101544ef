"""A reader of the database layer: what it holds, and what it has to tell."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from relay.layers.database.store import End
from relay.layers.delivery import Delivery, Lease, finish
from relay.layers.readers import Reader


@dataclass(slots=True, eq=False)
class RowLease(Lease):
    """A lease of rows."""

    #: The ids of its messages.
    ids: list[int] = field(default_factory=list)

    @property
    def held(self) -> tuple[str, int]:
        """What the store knows it by."""
        return self.lane, self.take

    def end(self, before: int) -> End:
        """What is done of it, after `before` that were done already."""
        return End(
            self.lane, self.take, self.ids[before : self.done], self.left, self.ids[self.done] if self.left else 0
        )


class DatabaseReader(Reader):
    """relay's Reader, with a bell that wakes it."""

    def __init__(self, name: str, bell: Any):
        super().__init__(name)
        self.bell = bell
        #: The number of the last take, and whether its answer was lost: it may have leased something.
        self.takes = 0
        self.doubtful = False
        #: What the database has not been told.
        self.owed: list[End] = []

    def close(self) -> None:
        super().close()
        self.bell.close()


def ends(done: Iterable[Delivery]) -> dict[DatabaseReader, list[End]]:
    """What ends when these are handled, by reader."""
    found: dict[DatabaseReader, list[End]] = {}
    for lease, before in finish(done).items():
        if isinstance(lease, RowLease):
            found.setdefault(lease.holder, []).append(lease.end(before))
    return found
