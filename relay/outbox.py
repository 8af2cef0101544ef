"""Sending what consumers want to send: much in one go, and what is wrong with one message harms no other (B1)."""

import itertools
import logging
import math
import secrets
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

from channels import Channel, Group
from channels.message import Message, pending_message_store
from django.db import DatabaseError, transaction

from relay.layers import in_transaction, send_many, send_to_groups
from relay.metrics.drops import DROPPED
from relay.traces import Trace, about, stamped, trace_of

logger = logging.getLogger(__name__)

#: A message, and whom it is for.
Send = tuple[Channel | Group, dict[str, Any]]

#: What a layer raises for a message that it could never take.
UNSENDABLE = (TypeError, ValueError, ArithmeticError, AssertionError)

#: Seconds that a full queue of an interface process is tried, as Channels does: its client does not read. And how many
#: messages are kept for that long.
PATIENCE, LIMIT = 2.0, 10_000


class handling(about):
    """
    For consumers of batches: while it lasts, the consumer is at this one of its messages. What it sends, and what it
    logs, is due to that one (`relay.traces`). A consumer of single messages need say nothing.
    """

    __slots__ = ("since", "trace")

    def __init__(self, message: Message):
        self.trace = trace_of(message.content)
        self.traces = () if self.trace is None else (self.trace,)

    def __enter__(self) -> None:
        about.__enter__(self)
        self.since = len(pending())

    def __exit__(self, *exc_info: Any) -> None:
        about.__exit__(self)
        if self.trace is not None:
            stamp_pending(self.trace, self.since)


def delivery_id(message: Message) -> str:
    """
    What a message keeps however often it is delivered, and shares with no other: a key for what its consumer may do
    only once. A layer without such ids (in tests, `ChannelTestCase` has one) delivers nothing twice; there each message
    gets an id when it is first asked for.
    """
    found = getattr(message.content, "id", "") or message.__dict__.setdefault("delivery_id", secrets.token_hex(16))
    return str(found)


def traced(content: dict[str, Any], message: Message | None) -> dict[str, Any]:
    """The content, as what is due to this message: for what is sent for many of a batch in one call."""
    trace = None if message is None else trace_of(message.content)
    return content if trace is None else stamped(content, trace)


def pending() -> list[Send]:
    """What the consumer that this thread runs wants to send so far."""
    return getattr(pending_message_store.threadlocal, "messages", [])


def stamp_pending(trace: Trace | None, since: int = 0) -> None:
    """Give a trace to what the consumer wants to send, from this place on, and has none."""
    if trace is not None:
        sends = pending()
        for place in range(since, len(sends)):
            target, content = sends[place]
            sends[place] = (target, stamped(content, trace))


def send_on_commit(
    target: Channel | Group, content: dict[str, Any], or_else: Callable[[Exception], None] | None = None
) -> None:
    """
    Send when the transaction that this is in has committed, or now if it is in none; not at all if it is rolled back.

    For views, commands and signal handlers: what a worker does at once with the message would else not find what the
    transaction wrote (B12). In a consumer, `send` waits for its end anyway. On the database layer it is part of the
    transaction: what was written and the message are there both, or neither. Elsewhere a process that dies just after
    the commit has not sent it.

    or_else: is called with what the layer raises, which is raised otherwise.
    """

    def send(immediately: bool) -> None:
        try:
            target.send(content, immediately=immediately)
        except DatabaseError:
            # The transaction must not seem to be whole.
            raise
        except Exception as e:
            if or_else is None:
                raise
            or_else(e)

    if in_transaction(target.channel_layer):
        send(immediately=True)
    else:
        transaction.on_commit(lambda: send(immediately=False))


def send_at_once(sends: Iterable[Send]) -> None:
    """
    Send these now, in a consumer or not, in as few calls as can be. Raises what the layer raises, and ChannelFull; then
    it is not known which were sent.
    """
    for _, some in itertools.groupby(sends, key=way):
        part = list(some)
        if refused := send_part(part):
            raise part[0][0].channel_layer.ChannelFull("The channel %s is full" % refused[0][0].name)


def send_all(sends: Iterable[Send], full: Collection[str] = ()) -> tuple[list[Send], list[tuple[Send, str]]]:
    """
    Send these in their order. Returns those whose channels are full, or whose layer fails, for another time; and those
    that can never be sent, with the reason. `full`: names to which nothing is sent now, since others wait for them.
    """
    left: list[Send] = []
    unsendable: list[tuple[Send, str]] = []
    stuck = set(full)
    for _, some in itertools.groupby(sends, key=way):
        part = []
        for send in some:
            # Whoever sent a message has named its reply channel, which may be anything: also what no set takes.
            if isinstance(send[0].name, str):
                part.append(send)
            else:
                unsendable.append((send, "a channel's name is text"))
        refused, bad = try_part([send for send in part if send[0].name not in stuck] if stuck else part)
        unsendable += bad
        again = {id(send) for send in refused}
        left += [send for send in part if send[0].name in stuck or id(send) in again]
        # What is for the same name as a refused one must not overtake it.
        stuck.update(target.name for target, _ in refused)
    return left, unsendable


def way(send: Send) -> tuple[bool, int]:
    """What one call can take has this in common."""
    return isinstance(send[0], Group), id(send[0].channel_layer)


def send_part(part: list[Send]) -> list[Send]:
    """Send what one call can take; returns what finds its channel full. Raises what the layer raises."""
    layer = part[0][0].channel_layer
    messages = [(target.name, content) for target, content in part]
    if isinstance(part[0][0], Group):
        send_to_groups(layer, messages)
        return []
    return [part[position] for position in send_many(layer, messages)]


def try_part(part: list[Send]) -> tuple[list[Send], list[tuple[Send, str]]]:
    """As `send_all`, for what one call can take."""
    if not part:
        return [], []
    try:
        return send_part(part), []
    except (*UNSENDABLE, part[0][0].channel_layer.MessageTooLarge) as e:
        return one_by_one(part) if len(part) > 1 else ([], [(part[0], "%s: %s" % (type(e).__name__, e))])
    except Exception as e:
        logger.error("The channel layer fails, and is tried again: %s: %s", type(e).__name__, e)
        return part, []


def one_by_one(part: list[Send]) -> tuple[list[Send], list[tuple[Send, str]]]:
    """One of these can't be sent: find out which."""
    left: list[Send] = []
    unsendable: list[tuple[Send, str]] = []
    for send in part:
        refused, bad = send_all([send], {target.name for target, _ in left})
        left += refused
        unsendable += bad
    return left, unsendable


class Late:
    """
    What is for clients, and found the queue of their interface process full: kept for PATIENCE seconds in its order,
    and then dropped. So one interface server that does not keep up holds up no worker, and no lane.
    """

    def __init__(self) -> None:
        self.sends: list[tuple[float, Send]] = []

    def __bool__(self) -> bool:
        return bool(self.sends)

    @property
    def names(self) -> set[str]:
        """What is for these must wait as well."""
        return {target.name for _, (target, _) in self.sends}

    def add(self, sends: Iterable[Send]) -> None:
        now = time.monotonic()
        self.sends += [(now, send) for send in sends]

    def send(self, last: bool = False) -> int:
        """Try again, or for the last time. Returns how many were given up; the log says for whom."""
        began = {id(send): since for since, send in self.sends}
        left, unsendable = send_all(send for _, send in self.sends)
        oldest = math.inf if last else time.monotonic() - PATIENCE
        self.sends = [(began[id(send)], send) for send in left if began[id(send)] > oldest][-LIMIT:]
        for (target, _), reason in unsendable:
            logger.error("A message for %s can't be sent and is dropped: %s", target.name, reason)
        if dropped := len(left) - len(self.sends):
            names = ", ".join(sorted({target.name for target, _ in left} - self.names)) or "its queue"
            logger.error("%d messages for clients are dropped: %s stayed full", dropped, names)
        DROPPED["full"].inc(dropped)
        DROPPED["unsendable"].inc(len(unsendable))
        return dropped + len(unsendable)


def is_local(send: Send) -> bool:
    """Whether a message is for an interface process, or whoever made up a channel for an answer."""
    return "!" in send[0].name or "?" in send[0].name
