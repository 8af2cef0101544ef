"""
What one listener of a room can swear to: whether anything was lost, doubled or out of order (docs/guarantees.md).

It goes by the rules for clients: a number that it has is left out, a hole is asked for. Pure: no sockets, no clock.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable

#: Messages of which is remembered how they were called: more would be a leak in a listener that never ends.
MEMORY = 10_000
#: Faults of which is remembered which numbers they had.
FAULTS = 100

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
        #: What was wrong, and with which number: the last of it, for whoever takes it away to tell.
        self.faults: deque[tuple[str, int]] = deque(maxlen=FAULTS)

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
        if is_new and seq < self.newest_live:
            self.blame("inverted", seq)
        self.newest_live = max(self.newest_live, seq)
        return is_new

    def begin(self) -> None:
        """It is on another connection: messages are in order on each, and not from one to the next."""
        self.newest_live = self.upto

    def has(self, seq: int) -> bool:
        return seq <= self.upto or seq in self.ahead

    def blame(self, what: str, seq: int) -> None:
        self.tally[what] += 1
        self.faults.append((what, seq))

    def learn(self, head: int) -> None:
        """The room's head was announced, or a message acknowledged: up to there, all must come."""
        if head > self.newest:
            self.tally["missed"] += head - self.newest
            self.newest = head
            self.move_on()

    def read(self, since: int, rows: Iterable[tuple[int, Key]], complete: bool, known: int | None = None) -> None:
        """
        A page came of what was asked for: everything after `since`. Up to its last message, or if it is `complete` up
        to the newest that was `known` when it was asked for, what is not on it does not exist. (What is known only now
        may have been stored after the page was read.)
        """
        last, before = since, self.newest
        for seq, key in rows:
            self.tally["mended"] += self.note(seq, key) and seq <= before
            last = max(last, seq)
        covered = max(last, self.newest if known is None else known) if complete else last
        absent = set(range(max(since, self.upto) + 1, covered + 1)) - self.ahead
        for seq in sorted(absent):
            self.blame("lost", seq)
        self.ahead |= absent
        self.move_on()

    def note(self, seq: int, key: Key) -> bool:
        """Whether it is new; then it counts as heard."""
        if self.numbers.get(key, seq) != seq or self.keys.get(seq, key) != key:
            self.blame("doubled", seq)
        if self.has(seq):
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
