"""
The contract of relay's layers: ASGI's 1.x interface, and beside it what that has no word for.

| | |
|---|---|
| `take(channels, limit, block, done)` | messages on lease, from one or many lanes |
| `acknowledge(deliveries)` | they are handled; each with all that was taken of its lane before it |
| `give_back(deliveries, reason, delay)` | they are not; each with all of its lane that is not acknowledged |
| `renew(deliveries)` | which of them are still the caller's; those stay so for another lease |
| `dead_letter(delivery, reason)` | it can't be handled: keep it aside |
| `send_many(messages)`, `send_to_groups(messages)` | several in one go |
| `send_in_lane(channel, message, lane)` | a message with an ordering key that its channel does not give it |
| `be_patient()` | what this thread sends is tried without end |
| `stop_waiting()` | this process takes no more |
| `claim(identity)` | only the deployment with this identity uses the layer |
| `status()`, `dead_letters()`, `notes(kind)`, … | for who looks after it: `relay.layers.upkeep` |

A layer that has all this lists the extension `leases`. `relay.layers.take` and its companions do as well as they can
on one that has not.

Messages with the same *ordering key* form a *lane*: they are handled one at a time, in the order in which they were
sent. A *lease* ends by acknowledgement, by giving back, or by itself when its reader's process has not been heard of
for `lease` seconds; then the message is delivered again. Leases are renewed by the layer itself as long as the thread
that took them lives. `receive` acknowledges what the same thread received before, so that code which knows only ASGI
loses nothing either.
"""

import itertools
import logging
import math
import os
import secrets
from collections.abc import Callable, Iterable
from typing import Any

import msgpack

from relay.layers.delivery import Content, Delivery, Lease, Outgoing, Record
from relay.layers.groups import GroupMap
from relay.layers.policy import CHANNEL_EXPIRY, ORDERING, Policy, completed
from relay.layers.readers import Reader, Readers
from relay.layers.sender import Sender
from relay.layers.upkeep import Upkeep
from relay.metrics.drops import DROPPED
from relay.names import StrictNames
from relay.traces import KEY as TRACE
from relay.traces import stamped

logger = logging.getLogger(__name__)

#: Messages that `receive` takes at once for an interface process, the only one who could have them anyway.
READ_AHEAD = 100


class LeasingLayer(Policy, StrictNames, Upkeep):
    """
    asgiref's BaseChannelLayer, with leases, lanes and dead letters. What is kept where is up to the subclasses.

    ordering: channel → the key of its messages that orders them; wildcards as in `channel_capacity`. Given, it is
      added to `ORDERING`; None for a channel there takes its order away.
    channel_expiry: channel → seconds that its messages are kept at most, instead of `expiry`. None: they are durable.
      Given, it is added to `CHANNEL_EXPIRY`.
    lease: seconds after which the messages of a process that is gone are delivered again.
    max_deliveries: failed deliveries after which a message is a dead letter.
    message_size_limit: bytes of a message as it is kept; a larger one raises MessageTooLarge.
    """

    extensions = ["groups", "flush", "statistics", "twisted", "leases"]

    #: Seconds that a blocking `receive` or `take` waits at most.
    blpop_timeout = 2
    #: Whether two deployments can meet on the layer by mistake, so that `claim` does something.
    claimable = False

    def __init__(
        self,
        *args: Any,
        ordering: dict[str, str | None] | None = None,
        channel_expiry: dict[str, float | None] | None = None,
        lease: float = 5.0,
        max_deliveries: int = 10,
        message_size_limit: int = 8 * 1024 * 1024,
        **kwargs: Any,
    ):
        self.ordering = self.compile_capacities(completed(ordering, ORDERING))
        self.channel_expiry = self.compile_capacities(completed(channel_expiry, CHANNEL_EXPIRY))
        self.lease = lease
        self.max_deliveries = max_deliveries
        self.message_size_limit = message_size_limit
        self.groups = GroupMap()
        #: Called, in some thread, when groups were put back because what keeps the layer had lost them.
        self.on_restore: list[Callable[[], None]] = []
        self.readers = Readers(self._make_reader)
        self.sender = Sender()
        self._shares = {}
        self._ids = itertools.count()
        self._id_prefix = secrets.token_hex(8)
        super().__init__(*args, **kwargs)

    # Sending

    def send(self, channel: str, message: dict[str, Any]) -> None:
        """Send one message. Raises ChannelFull, MessageTooLarge, or TypeError for what is no channel or message."""
        self._send_one(channel, self._outgoing(channel, message))

    def send_many(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> list[int]:
        """
        Send messages in this order. Returns the positions of those that were refused because their channels are full,
        and of those after them in their lanes. What can't be sent at all raises before any is sent.
        """
        return self._send([self._outgoing(channel, message) for channel, message in messages])

    def send_in_lane(self, channel: str, message: dict[str, Any], lane: str) -> None:
        """
        Send one message that is handled in the order of this lane. Raises as `send` does. Received content keeps its
        id: this is for putting a message in another place, not for another message.
        """
        outgoing = self._outgoing(channel, message)
        self._send_one(channel, outgoing._replace(lane=lane, id=getattr(message, "id", "") or outgoing.id))

    def be_patient(self) -> None:
        """From now on, what this thread sends is tried until it is sent, however long its server is away."""
        self.sender.patience = math.inf

    def new_id(self) -> str:
        # The process id keeps a forked child from repeating its parent's.
        return "%s-%x-%x" % (self._id_prefix, os.getpid(), next(self._ids))

    def new_channel(self, pattern: str) -> str:
        """A single-reader channel name that nobody can guess (F5). `pattern` must end with `?`."""
        if not (isinstance(pattern, str) and pattern.endswith("?")):
            raise TypeError("A pattern for new_channel must end with ?, and %r does not" % (pattern,))
        return pattern + secrets.token_hex(8)

    def _send_one(self, channel: str, outgoing: Outgoing) -> None:
        if self._send([outgoing]):
            raise self.ChannelFull("The channel %s is full: %d messages" % (channel, self.capacity_of(channel)))

    def _outgoing(self, channel: str, message: dict[str, Any]) -> Outgoing:
        if not isinstance(message, dict):
            raise TypeError("A message must be a dict, and the one for %s is %r" % (channel, type(message)))
        self.valid_channel_name(channel)
        name = self.non_local_name(channel)
        message_id = self.new_id()
        if "!" in channel or "?" in channel:
            lane = name
        else:
            lane = self.lane_of(channel, message) or message_id
        return Outgoing(name, lane, "=" + channel, message_id, self._pack(channel, message))

    def _pack(self, what: str, message: dict[str, Any]) -> bytes:
        """The message as it is kept; `what` names its channel or group in errors."""
        try:
            # What is sent at once, while a consumer is at a message, is due to that message.
            body = self._encode(stamped(message))
        except Exception as e:
            raise TypeError("A message for %s can't be sent: %s" % (what, e)) from e
        if len(body) > self.message_size_limit:
            raise self.MessageTooLarge(
                "A message for %s has %d bytes; message_size_limit in CHANNEL_LAYERS allows %d"
                % (what, len(body), self.message_size_limit)
            )
        return body

    # Receiving

    def receive(self, channels: Iterable[str], block: bool = False) -> tuple[str | None, Content | None]:
        """
        The next message on any of the channels, and its channel; (None, None) if there is none, at once or after
        `blpop_timeout` seconds. It is leased, and the next `receive` of this thread acknowledges it.
        """
        return self._receive(self.readers.here(), channels, block)

    def receive_twisted(self, channels: Iterable[str]) -> Any:
        """`receive` for Twisted: a Deferred, with the next message or (None, None) after a while."""
        from relay.layers.reactor import receive

        return receive(self, list(channels))

    def take(
        self, channels: Iterable[str], limit: int = 1, block: bool = False, done: Iterable[Delivery] = ()
    ) -> list[Delivery]:
        """
        Acknowledge what is `done`, which costs nothing more here, and then:
        Lease up to `limit` messages on any of the channels, each lane's in order. A lane that runs in other hands is
        left out. Several from one lane must be handled one after the other.
        """
        return self._take(self.readers.here(), self._names(channels), limit, block, list(done))

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        """
        These are handled: the layer forgets them, and all that was taken of their lanes before them. One whose lease
        had ended is delivered again; the log says so.
        """
        raise NotImplementedError

    def give_back(self, deliveries: Iterable[Delivery], reason: str = "", delay: float = 0) -> None:
        """
        End the leases of these, handled or not: what is not acknowledged is delivered again, after `delay` seconds.
        A `reason` says that handling failed, which is counted, and kept if it was the last time.
        """
        raise NotImplementedError

    def leave(self) -> None:
        """This thread takes no more: what it was given and has not acknowledged is delivered again, at once."""
        raise NotImplementedError

    def renew(self, deliveries: Iterable[Delivery]) -> list[Delivery]:
        """Those that are still the caller's, now for another lease. The others are, or will be, delivered again."""
        raise NotImplementedError

    def dead_letter(self, delivery: Delivery, reason: str) -> bool:
        """
        Give up a message: it is kept with its reason for `manage.py deadletters`, and acknowledged. False: it is not
        kept, for as many dead letters of its channel are as may be (LETTERS_LIMIT).
        """
        raise NotImplementedError

    def stop_waiting(self) -> None:
        """Whoever waits for messages in this process gets none at once, and so does who would wait later."""
        for reader in self.readers.living():
            reader.close()

    def claim(self, identity: str) -> None:
        """
        Keep the layer for the deployment with this identity, as long as one of its processes lives. Raises PrefixTaken
        if another deployment has it. Where the messages belong to a database or a process anyway, nothing is done.
        """

    def _receive(self, reader: Reader, channels: Iterable[str], block: bool) -> tuple[str | None, Content | None]:
        names = self._names(channels)
        buffer = next((reader.buffers[name] for name in names if reader.buffers.get(name)), None)
        if not buffer:
            limit = READ_AHEAD if names and all(name.endswith("!") for name in names) else 1
            done, reader.handed_out = reader.handed_out, []
            for taken in self._take(reader, names, limit, block, done):
                buffer = reader.put(self.non_local_name(taken.channel), taken)
        if not buffer:
            return None, None
        channel, content, delivery = buffer.popleft()
        if delivery is not None:
            reader.handed_out.append(delivery)
        if "!" in channel:
            # Stock Daphne, which reads by this, refuses replies with keys that it does not know.
            content.pop(TRACE, None)
        return channel, content

    def _names(self, channels: Iterable[str]) -> list[str]:
        names = list(channels)
        for name in names:
            self.valid_channel_name(name, receive=True)
        return names

    def _take(self, reader: Reader, names: list[str], limit: int, block: bool, done: list[Delivery]) -> list[Delivery]:
        """Acknowledge `done`; then as `take`. What only tells this process about groups is read here."""
        reader.processes.update(name for name in names if name.endswith("!"))
        while names:
            leases = self._lease(reader, names, limit, block, done)
            deliveries = [delivery for lease, records in leases for delivery in self._open(lease, records)]
            if deliveries or not leases:
                return deliveries
            done = []
        self.acknowledge(done)
        return []

    def _open(self, lease: Lease, records: list[Record]) -> list[Delivery]:
        """What there is to hand out among these. The rest is acknowledged with what comes before it, or now."""
        opened: list[Delivery] = []
        for position, record in enumerate(records, 1):
            try:
                delivery = self._read(lease, position, record)
            except Exception as e:
                reason = "It can't be read: %s: %s" % (type(e).__name__, e)
                logger.error("Message %s on %s is a dead letter. %s", record.id, record.channel, reason)
                DROPPED["undecodable"].inc()
                self._bury(lease, position, reason)
            else:
                if delivery is not None:
                    opened.append(delivery)
        if opened:
            opened[-1].position = len(records)
        else:
            self.acknowledge([Delivery((), Content(), lease, len(records))])
        return opened

    def _read(self, lease: Lease, position: int, record: Record) -> Delivery | None:
        kind, target = record.target[:1], record.target[1:]
        if kind not in ("=", "@", "+", "-"):
            raise ValueError("its header is broken")
        if kind in ("+", "-"):
            group, _, channel = target.partition("/")
            if kind == "+":
                self.groups.add(record.channel, group, channel, float(record.body) / 1000)
            else:
                self.groups.discard(record.channel, group, channel)
            return None
        channels = (target,) if kind == "=" else self.groups.members(record.channel, target)
        if not channels:
            return None
        content = Content(self._decode(record.body))
        content.id, content.lane, content.attempts = record.id, lease.lane, record.attempts
        return Delivery(channels, content, lease, position, record.sent, to_group=kind == "@")

    # Groups

    def send_group(self, group: str, message: dict[str, Any]) -> None:
        """Send to every member. Those whose channels are full miss it: that is counted and logged."""
        self.send_to_groups([(group, message)])

    def send_to_groups(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """
        Send each message to every member of its group, in this order. An interface process gets each once for all its
        sockets. What can't be sent at all raises before any is sent.
        """
        raise NotImplementedError

    def _group_message(self, group: str, message: dict[str, Any]) -> tuple[str, bytes]:
        self.valid_group_name(group)
        if not isinstance(message, dict):
            raise TypeError("A message must be a dict, and the one for group %s is %r" % (group, type(message)))
        return self.new_id(), self._pack("group " + group, message)

    def _check_member(self, group: str, channel: str) -> None:
        self.valid_group_name(group)
        self.valid_channel_name(channel)

    def _warn_of_dropped(self, dropped: dict[str, int]) -> None:
        for group, number in dropped.items():
            if number:
                logger.warning(
                    "%d messages for group %s were dropped: the queues of their readers are full", number, group
                )
                DROPPED["full"].inc(number)

    def _process_of(self, channel: str) -> str:
        """The interface process that a channel belongs to. Empty: it is an ordinary channel."""
        return self.non_local_name(channel) if "!" in channel else ""

    # What a subclass keeps its messages with

    def _make_reader(self, name: str) -> Reader:
        return Reader(name)

    def _encode(self, message: dict[str, Any]) -> bytes:
        return msgpack.packb(message, use_bin_type=True)

    def _decode(self, body: bytes) -> dict[str, Any]:
        message = msgpack.unpackb(body, raw=False, strict_map_key=False)
        if not isinstance(message, dict):
            raise ValueError("a message is a dict, not a %s" % type(message).__name__)
        return message

    def _readable(self, body: bytes) -> dict[str, Any] | None:
        """What a body says, or None if it can't be read."""
        try:
            return self._decode(body)
        except Exception as e:
            logger.debug("A body can't be read: %s", e)
            return None

    def _send(self, outgoing: list[Outgoing]) -> list[int]:
        raise NotImplementedError

    def _lease(
        self, reader: Any, names: list[str], limit: int, block: bool, done: list[Delivery]
    ) -> list[tuple[Lease, list[Record]]]:
        raise NotImplementedError

    def _bury(self, lease: Lease, position: int, reason: str) -> bool:
        """Keep a taken message as a dead letter, in its lane too; whether there was room for it."""
        raise NotImplementedError
