"""Groups of the in-memory layer: who is in which, and for how long."""

import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from relay.layers.base import LeasingLayer
from relay.layers.delivery import Outgoing


class Memberships(LeasingLayer):
    """
    The group extension for a layer whose state is its own.

    As with every layer of relay's, a broadcast is one message for each interface process, and so is what is added and
    discarded: in the queue of its messages. `news` guards `memberships`.
    """

    news: threading.Condition
    #: group → process (empty: ordinary channels) → channel → end, on the monotonic clock.
    memberships: dict[str, dict[str, dict[str, float]]]

    def group_add(self, group: str, channel: str) -> None:
        """A channel is a member for `group_expiry` seconds from now."""
        self._check_member(group, channel)
        process = self._process_of(channel)
        with self.news:
            members = self.memberships.setdefault(group, {}).setdefault(process, {})
            members[channel] = time.monotonic() + self.group_expiry
            self._tell(process, "+%s/%s" % (group, channel))

    def group_discard(self, group: str, channel: str) -> None:
        """A channel is no member any more. Harmless if it was none."""
        self._check_member(group, channel)
        process = self._process_of(channel)
        with self.news:
            self.memberships.get(group, {}).get(process, {}).pop(channel, None)
            self._tell(process, "-%s/%s" % (group, channel))

    def group_channels(self, group: str) -> list[str]:
        self.valid_group_name(group)
        with self.news:
            return [channel for members in self._living(group).values() for channel in members]

    def send_to_groups(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        messages = list(messages)
        packed = [self._group_message(group, message) for group, message in messages]
        dropped: Counter[str] = Counter()
        with self.news:
            for (group, message), (message_id, body) in zip(messages, packed, strict=True):
                for process, members in self._living(group).items():
                    # An interface process finds its sockets itself; an ordinary channel is its own target.
                    if process:
                        dropped[group] += len(self._send([Outgoing(process, process, "@" + group, message_id, body)]))
                    else:
                        dropped[group] += len(self.send_many([(name, message) for name in members]))
        self._warn_of_dropped(dropped)

    def _living(self, group: str) -> dict[str, dict[str, float]]:
        """The members by process; those whose time is up are dropped."""
        now = time.monotonic()
        found = {
            process: {channel: end for channel, end in members.items() if end > now}
            for process, members in self.memberships.get(group, {}).items()
        }
        found = {process: members for process, members in found.items() if members}
        if found:
            self.memberships[group] = found
        else:
            self.memberships.pop(group, None)
        return found

    def _tell(self, process: str, target: str) -> None:
        """Tell a process, even if its queue is full of messages."""
        if process:
            self._put(Outgoing(process, process, target, self.new_id(), b"%d" % (self.group_expiry * 1000)))
            self.news.notify_all()

    def _put(self, message: Outgoing) -> None:
        raise NotImplementedError
