"""What an interface process knows of groups: which of its sockets are in them."""

import threading
import time


class GroupMap:
    """
    The members of groups among one process's channels, as the messages told which the process has read.

    The layer's shared state lists only processes; so a broadcast is one message to each, and this finds the sockets.
    It is also what the groups are put back from when the shared state is lost. Safe for use by several threads.
    """

    #: Seconds between two looks for memberships that have ended, in one group.
    PRUNE_INTERVAL = 1.0

    def __init__(self) -> None:
        self.lock = threading.Lock()
        #: (process, group) → channel → end of its membership, on the monotonic clock.
        self.groups: dict[tuple[str, str], dict[str, float]] = {}
        self.pruned: dict[tuple[str, str], float] = {}

    def add(self, process: str, group: str, channel: str, expiry: float) -> None:
        """A channel is a member for `expiry` seconds from now."""
        with self.lock:
            self.groups.setdefault((process, group), {})[channel] = time.monotonic() + expiry

    def discard(self, process: str, group: str, channel: str) -> None:
        with self.lock:
            members = self.groups.get((process, group), {})
            members.pop(channel, None)
            if not members:
                self.forget(process, group)

    def members(self, process: str, group: str) -> tuple[str, ...]:
        """The members among the process's channels."""
        with self.lock:
            if self.pruned.get((process, group), 0) < time.monotonic() - self.PRUNE_INTERVAL:
                self.prune(process, group)
            return tuple(self.groups.get((process, group), ()))

    def snapshot(self) -> list[tuple[str, str, list[str]]]:
        """All there is: process, group, channels."""
        with self.lock:
            for process, group in list(self.groups):
                self.prune(process, group)
            return [(process, group, list(members)) for (process, group), members in self.groups.items()]

    def clear(self) -> None:
        with self.lock:
            self.groups.clear()
            self.pruned.clear()

    def prune(self, process: str, group: str) -> None:
        now = time.monotonic()
        members = self.groups.get((process, group), {})
        living = {channel: end for channel, end in members.items() if end > now}
        if living:
            self.groups[process, group] = living
            self.pruned[process, group] = now
        else:
            self.forget(process, group)

    def forget(self, process: str, group: str) -> None:
        self.groups.pop((process, group), None)
        self.pruned.pop((process, group), None)
