"""
What one listener of a room can swear to: whether anything was lost, doubled or out of order (docs/guarantees.md).

It goes by the rules for clients: a number that it has is left out, a hole is asked for. Pure: no sockets, no clock.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable

#: Messages of which is remembered how they were called: more would be a leak in a listener that never ends.
MEMORY = 10_000

#: What makes a message the same one: its sender and client_id.
Key = tuple[str, str]


class Witness:
    """
    Hears a room's messages from the one after `since` on.

    tally: how many were
      heard: new to it, live or on a page;
      repeated: known already, as a broadcast may be whose worker died (harmless);
      missed: not there when a later one came;
      mended: missed, and got by asking;
      inverted: missed, and then came by themselves, behind a later one;
      lost: missed, and not there when it asked;
      doubled: one message under two numbers, or two under one.
    """

    def __init__(self, since: int):
        #: The number up to which nothing is missing.
        self.upto = since
        #: The newest number that it knows of, and the newest that came by itself.
        self.newest = self.newest_live = since
        self.tally: Counter[str] = Counter()
        #: Numbers that it has beyond a hole.
        self.ahead: set[int] = set()
        self.numbers: OrderedDict[Key, int] = OrderedDict()
        self.keys: OrderedDict[int, Key] = OrderedDict()

    @property
    def missing(self) -> int:
        """How many are missing among those that it knows of."""
        return self.newest - self.upto - len(self.ahead)

    @property
    def in_order(self) -> bool:
        """Whether every promise was kept so far. What is missing can still be asked for."""
        return not (self.tally["lost"] or self.tally["doubled"] or self.tally["inverted"])

    def hear(self, seq: int, key: Key) -> bool:
        """A message came by itself. Returns whether it is new."""
        is_new = self.note(seq, key)
        self.tally["inverted"] += is_new and seq < self.newest_live
        self.newest_live = max(self.newest_live, seq)
        return is_new

    def learn(self, head: int) -> None:
        """The room's head was announced, or a message acknowledged: up to there, all must come."""
        if head > self.newest:
            self.tally["missed"] += head - self.newest
            self.newest = head
            self.move_on()

    def read(self, since: int, rows: Iterable[tuple[int, Key]], complete: bool) -> None:
        """
        A page came of what was asked for: everything after `since`. Up to its last message, or up to the newest known
        if it is `complete`, what is not on it does not exist.
        """
        last = since
        for seq, key in rows:
            self.tally["mended"] += self.note(seq, key)
            last = max(last, seq)
        covered = self.newest if complete else last
        absent = set(range(max(since, self.upto) + 1, covered + 1)) - self.ahead
        self.tally["lost"] += len(absent)
        self.ahead |= absent
        self.move_on()

    def note(self, seq: int, key: Key) -> bool:
        """Whether it is new; then it counts as heard."""
        if self.numbers.get(key, seq) != seq or self.keys.get(seq, key) != key:
            self.tally["doubled"] += 1
        if seq <= self.upto or seq in self.ahead:
            self.tally["repeated"] += 1
            return False
        self.remember(seq, key)
        self.tally["heard"] += 1
        self.tally["missed"] += max(0, seq - self.newest - 1)
        self.newest = max(self.newest, seq)
        self.ahead.add(seq)
        self.move_on()
        return True

    def move_on(self) -> None:
        while self.upto + 1 in self.ahead:
            self.upto += 1
            self.ahead.remove(self.upto)

    def remember(self, seq: int, key: Key) -> None:
        self.numbers[key] = seq
        self.keys[seq] = key
        if len(self.keys) > MEMORY:
            _, oldest = self.keys.popitem(last=False)
            self.numbers.pop(oldest, None)
