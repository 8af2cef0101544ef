"""A reader of the database layer: what it holds, and what it has to tell."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from relay.layers.database.store import End
from relay.layers.delivery import Lease, Owed
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

    def end(self, done: int) -> End:
        """What the store is told when the first `done` of its messages are handled."""
        left = self.size - done
        return End(self.lane, self.take, self.ids[self.told : done], left, self.ids[done] if left else 0)


class DatabaseReader(Reader):
    """relay's Reader, with a bell that wakes it."""

    def __init__(self, name: str, bell: Any):
        super().__init__(name)
        self.bell = bell
        #: Numbers of the last take, and of the last one that was answered.
        self.takes = self.answered = 0
        #: What the database has not been told.
        self.owed = Owed()

    def close(self) -> None:
        super().close()
        self.bell.close()


def ends(leases: Iterable[tuple[Lease, int]]) -> list[End]:
    """What the store is told when these are done so far."""
    return [lease.end(done) for lease, done in leases if isinstance(lease, RowLease)]
