"""What a layer tells those who look after it: how its channels do, what was given up, and who works on it."""

from collections.abc import Iterable
from typing import Any

from asgiref.base_layer import BaseChannelLayer

from relay.layers.delivery import ChannelStatus, DeadLetter

#: What a process may say of itself: that it is a worker, that it is an interface server, and what it has measured.
NOTES = ("worker", "interface", "sample")


class Upkeep(BaseChannelLayer):
    """A part of `LeasingLayer`. Up to the subclasses: where that is kept."""

    def status(self) -> list[ChannelStatus]:
        """How each channel does that has been used, by name."""
        raise NotImplementedError

    def global_statistics(self) -> dict[str, int]:
        """ASGI's statistics extension: counts over all channels."""
        rows = self.status()
        return {"messages_count": sum(row.sent for row in rows), "channel_full_count": sum(row.full for row in rows)}

    def channel_statistics(self, channel: str) -> dict[str, float]:
        """ASGI's statistics extension: the counts of one channel."""
        name = self.non_local_name(channel)
        row = next((row for row in self.status() if row.channel == name), ChannelStatus(name))
        return {
            "messages_count": row.sent,
            "messages_pending": row.depth,
            "messages_max_age": row.age,
            "channel_full_count": row.full,
        }

    def dead_letters(self) -> list[DeadLetter]:
        """The messages that were given up, the oldest first."""
        raise NotImplementedError

    def retry_dead(self, ids: Iterable[str]) -> int:
        """Send these again, as fresh as they were; returns how many there were. Not those that nobody can read."""
        raise NotImplementedError

    def discard_dead(self, ids: Iterable[str]) -> int:
        """Forget these; returns how many there were."""
        raise NotImplementedError

    def note(self, kind: str, name: str, report: dict[str, Any], seconds: float) -> None:
        """
        Keep what a process says of itself, for so long; 0 forgets it. Told again and again, it is its heartbeat.

        kind: one of NOTES. A process may be of several.
        """
        raise NotImplementedError

    def notes(self, kind: str) -> dict[str, dict[str, Any]]:
        """What the living of that kind have said last, by name."""
        raise NotImplementedError

    def note_worker(self, name: str, report: dict[str, Any], seconds: float) -> None:
        """`note`, for a worker."""
        self.note("worker", name, report, seconds)

    def workers(self) -> dict[str, dict[str, Any]]:
        """What the workers that live have said last, by name."""
        return self.notes("worker")
