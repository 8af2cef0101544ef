"""Groups in Redis: a group lists interface processes, and a broadcast is one message for each."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from relay.layers.base import LeasingLayer
from relay.layers.delivery import Outgoing
from relay.layers.redis import records
from relay.layers.redis.shard import Shard

#: What the keys call the process that ordinary channels belong to.
NO_PROCESS = "-"


class Packed(NamedTuple):
    """A message for a group, ready to be sent."""

    group: str
    id: str
    body: bytes
    message: dict[str, Any]


class RedisGroups(LeasingLayer):
    """
    The group extension of the Redis layers.

    What is added and discarded travels to the interface process through the queue of its messages, so the process's own
    map is right for each message that it reads. Ordinary channels can be members too; each gets its own copy.
    """

    def group_add(self, group: str, channel: str) -> None:
        """A channel is a member for `group_expiry` seconds from now, and no longer than its process lives."""
        self._check_member(group, channel)
        process = self._process_of(channel)
        target = "+%s/%s" % (group, channel)
        if process and not self._queue(group, process):
            # First the process must know, so that it has the socket when the first message comes.
            self._tell(process, target, b"%d" % self._milliseconds(self.group_expiry))
        self._add(group, process, [channel], target)

    def group_discard(self, group: str, channel: str) -> None:
        """A channel is no member any more. Harmless if it was none."""
        self._check_member(group, channel)
        process = self._process_of(channel)
        target = "-%s/%s" % (group, channel)
        queue = self._queue(group, process)
        keys = [self.keys.group(group), self.keys.members(group, process), *queue]
        args = [self._ready_of(process), channel, self._milliseconds(self.group_expiry), self.new_id(), target]
        self.shard_of(group).run_patiently("group_discard", keys, args, self.patience)
        if process and not queue:
            self._tell(process, target, b"")

    def group_channels(self, group: str) -> list[str]:
        self.valid_group_name(group)
        shard = self.shard_of(group)
        channels = shard.run_patiently("group_channels", [self.keys.group(group)], [], self.patience)
        return [channel.decode() for channel in channels]

    def send_to_groups(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        packed = [Packed(group, *self._group_message(group, message), message) for group, message in messages]
        by_shard: dict[Shard, list[Packed]] = {}
        for each in packed:
            by_shard.setdefault(self.shard_of(each.group), []).append(each)
        dropped: Counter[str] = Counter()
        for shard, some in by_shard.items():
            dropped += self._send_groups_of(shard, some)
        self._warn_of_dropped(dropped)

    def _send_groups_of(self, shard: Shard, messages: list["Packed"]) -> Counter[str]:
        """Send to groups that live on one server; returns how many messages each was not sent."""
        number_of = {group: number for number, group in enumerate(dict.fromkeys(each.group for each in messages), 1)}
        args: list[Any] = [self._milliseconds(self.expiry), len(number_of)]
        for each in messages:
            args += [number_of[each.group], records.tail(each.id, "@" + each.group, each.body)]
        answers = self._run_once(shard, "group_send", [self.keys.group(group) for group in number_of], args)
        dropped: Counter[str] = Counter()
        for group, (elsewhere, ordinary, lost) in zip(number_of, answers, strict=True):
            dropped[group] += lost
            of_group = [each for each in messages if each.group == group] if elsewhere or ordinary else []
            for ready in elsewhere:
                process = self.keys.channel_of(ready.decode())
                copies = [Outgoing(process, process, "@" + group, each.id, each.body) for each in of_group]
                dropped[group] += len(self._send(copies))
            for channel in ordinary:
                dropped[group] += len(self.send_many([(channel.decode(), each.message) for each in of_group]))
        return dropped

    def _home_of(self, group: str) -> Shard:
        return self.shard_of(group)

    def _add(self, group: str, process: str, channels: list[str], target: str = "") -> None:
        """Add channels of a process to a group. The process is told, if it lives on this server, with this target."""
        members = self.keys.members(group, process)
        queue = self._queue(group, process)
        entry = "%s %s %d" % (members, queue[0], self.get_capacity(process)) if queue else members
        keys = [self.keys.group(group), members, *(queue if target else [])]
        times = [self._milliseconds(self.lease), self._milliseconds(self.group_expiry)]
        args = [self._ready_of(process), entry, *times, self.new_id(), target, *channels]
        self.shard_of(group).run_patiently("group_add", keys, args, self.patience)

    def _queue(self, group: str, process: str) -> list[str]:
        """The key of a process's lane, if it lives on the group's server."""
        if process and self.shard_of(process) is self.shard_of(group):
            return [self.keys.lane(process)]
        return []

    def _ready_of(self, process: str) -> str:
        return self.keys.ready(process) if process else NO_PROCESS

    def _tell(self, process: str, target: str, body: bytes) -> None:
        """Tell a process on another server than its group's. Its queue takes that even when it is full of messages."""
        told = Outgoing(process, process, target, self.new_id(), body)
        self._put(self.shard_of(process), [told], tell=True)
