"""How much of a response may be on its way: the worker's end, which sends, without threads and I/O."""

from typing import Any


class Window:
    """
    Counts bytes of one response's content. Its sender may send while fewer than `size` are on their way; so no more
    than `size` and one part ever are. What it is told is a sum from the beginning: it may come twice, late, or never.
    """

    def __init__(self, size: int):
        self.size = size
        #: Bytes that were sent, and that the client has taken.
        self.sent = self.taken = 0
        #: Whether the client left.
        self.gone = False

    @property
    def is_open(self) -> bool:
        return not self.gone and self.sent - self.taken < self.size

    def note_sent(self, count: int) -> None:
        self.sent += count

    def note(self, mail: dict[str, Any]) -> None:
        """What the interface server says: `taken` or `gone`."""
        self.taken = max(self.taken, min(mail.get("taken", 0), self.sent))
        self.gone = self.gone or mail.get("gone", False)
