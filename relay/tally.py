"""What a worker counts, for its log and its heartbeat."""

from collections import Counter
from typing import Any


class Tally:
    """Counts of one thread since it began. Only that thread changes them; any may add them up."""

    def __init__(self) -> None:
        #: Messages by channel: handled, each time that one failed, and those that came once more.
        self.handled: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.redelivered: Counter[str] = Counter()
        #: Given up; sends that were dropped; put off for a database that is away; left to other workers.
        self.dead = 0
        self.dropped = 0
        self.waited = 0
        self.handed_on = 0
        #: Seconds spent on messages.
        self.busy = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return self.combined(other, 1)

    def __sub__(self, other: "Tally") -> "Tally":
        return self.combined(other, -1)

    def combined(self, other: "Tally", sign: int) -> "Tally":
        result = Tally()
        for name, value in vars(self).items():
            theirs = getattr(other, name)
            if isinstance(value, Counter):
                total = value.copy()
                total.update({key: sign * count for key, count in theirs.copy().items()})
                setattr(result, name, total)
            else:
                setattr(result, name, value + sign * theirs)
        return result

    @property
    def messages(self) -> int:
        return self.handled.total()

    def report(self) -> dict[str, Any]:
        """As plain values."""
        plain = {name: dict(value) for name, value in vars(self).items() if isinstance(value, Counter)}
        return {**vars(self), **plain, "busy": round(self.busy, 3)}

    def sentence(self, seconds: float, threads: int) -> str:
        """What was done in that time, in words."""
        by_channel = ["%s %d" % pair for pair in self.handled.most_common() if pair[1]]
        text = "In %.0f s: %d messages handled" % (seconds, self.messages)
        text += " (%s)" % ", ".join(by_channel) if by_channel else ""
        text += ", busy %.0f%%" % (100 * self.busy / max(seconds * threads, 0.001))
        for number, what in (
            (self.failed.total(), "failures"),
            (self.redelivered.total(), "delivered again"),
            (self.dead, "dead letters"),
            (self.dropped, "sends dropped"),
            (self.waited, "put off for the database"),
            (self.handed_on, "left to other workers"),
        ):
            text += ", %d %s" % (number, what) if number else ""
        return text + "."
