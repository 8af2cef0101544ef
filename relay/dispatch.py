"""Running messages through their consumers: what `channels.worker.Worker` does inside its loop."""

import inspect
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from channels.exceptions import ChannelSocketException, ConsumeLater, DenyConnection, WebsocketCloseException
from channels.message import Message, pending_message_store
from channels.signals import consumer_finished, consumer_started

from relay import databases
from relay.batches import BatchConsumer
from relay.layers.delivery import Delivery
from relay.metrics.drops import DROPPED
from relay.outbox import Send, send_all, stamp_pending
from relay.traces import Trace, about, trace_of

logger = logging.getLogger(__name__)

#: How often it is tried to put a message back that its consumer wants later, and the seconds between two tries.
REQUEUE_TRIES, REQUEUE_INTERVAL = 100, 0.05
#: How often a consumer may want a message later on a layer without leases.
POSTPONE_LIMIT = 10

#: What a client hears whose consumer failed: it waits for an answer, and would wait until its time is up (B10).
ANSWERS: dict[str, dict[str, Any]] = {
    "websocket.connect": {"close": True},
    "http.request": {"status": 500, "headers": [(b"Content-Type", b"text/plain")], "content": b"Server error"},
}
#: The answer where the message was not to blame: come back later. 1013 means "try again later": relay's interface
#: server answers 503, Daphne 403, as for any close before an accept.
LATER: dict[str, dict[str, Any]] = {
    "websocket.connect": {"close": 1013},
    "http.request": {
        "status": 503,
        "headers": [(b"Content-Type", b"text/plain"), (b"Retry-After", b"5")],
        "content": b"Service unavailable",
    },
}


class Run:
    """
    Messages that are handled in one go by one consumer: mostly one, several if it takes batches.

    `layer` is Channels' wrapper of a channel layer: it has the router.
    """

    def __init__(self, layer: Any, deliveries: list[Delivery]):
        self.layer = layer
        self.deliveries = deliveries
        self.messages: list[Message] = []
        self.consumer: Callable[..., Any] | None = None
        self.kwargs: dict[str, Any] = {}
        #: Why it failed; and whether its consumer asked for another time.
        self.error: BaseException | None = None
        self.later = False
        #: What it met that its messages are not to blame for.
        self.trouble: databases.Trouble | None = None
        #: Whether it was part of a run that failed, and must show what it does alone.
        self.alone = False
        #: Whether its consumer is through.
        self.handled = False
        #: What it wants to send and has not yet; and why some of that can't be sent at all.
        self.sends: list[Send] = []
        self.unsendable: list[str] = []
        #: When a channel was first too full for it, on the monotonic clock.
        self.refused_at: float | None = None

    @property
    def channel(self) -> str:
        return self.deliveries[0].channel

    @property
    def lanes(self) -> set[Any]:
        """What may not go on without it."""
        return {delivery.lease or delivery for delivery in self.deliveries}

    @property
    def traces(self) -> tuple[Trace, ...]:
        """Of its messages, as far as they have any."""
        return tuple(trace for delivery in self.deliveries if (trace := trace_of(delivery.content)) is not None)

    @property
    def answer(self) -> list[Send]:
        """What a client hears whose message failed, and who waits for an answer."""
        content = (LATER if self.trouble else ANSWERS).get(self.channel)
        return [(message.reply_channel, content) for message in self.messages if content and message.reply_channel]

    def find_consumer(self) -> "Run":
        """Route it. A message that can't be routed has failed."""
        try:
            (delivery,) = self.deliveries
            self.messages = [Message(delivery.content, delivery.channel, self.layer)]
            found = match(self.layer.router, self.messages[0])
            if found is None:
                raise LookupError("No consumer is routed for this message on %s" % delivery.channel)
            self.consumer, self.kwargs = found
        except Exception as e:
            self.error = e
        return self

    def takes(self, other: "Run") -> bool:
        """Whether `other` can be handled together with this one."""
        consumer = self.consumer
        is_same = isinstance(consumer, BatchConsumer) and other.consumer is consumer and other.kwargs == self.kwargs
        is_full = is_same and len(self.messages) >= consumer.limit  # type: ignore[union-attr]
        return is_same and not (is_full or self.alone or other.alone)

    def join(self, other: "Run") -> None:
        self.deliveries += other.deliveries
        self.messages += other.messages

    def split(self) -> list["Run"]:
        """Each message by itself."""
        runs = [Run(self.layer, [delivery]).find_consumer() for delivery in self.deliveries]
        for run in runs:
            run.alone = True
        return runs

    def execute(self) -> None:
        """
        Call the consumer. Afterwards `sends` is what it wants to send; nothing if it failed, which `error` tells (B11).

        One that lost its database is called once more, with another connection. `trouble` tells if it is not to blame.
        """
        if self.consumer is None:
            return
        databases.refresh()
        self.attempt()
        if self.error is not None and databases.deserves_another_try(self.error):
            logger.warning("The database connection was lost in a consumer of %s; it is called again", self.channel)
            self.attempt()
        self.trouble = databases.excuse(self.error, (delivery.sent for delivery in self.deliveries))

    def attempt(self) -> None:
        self.error, self.later = None, False
        traces = self.traces
        with about(traces):
            self.attempt_with(traces[0] if len(self.deliveries) == len(traces) == 1 else None)

    def attempt_with(self, trace: Trace | None) -> None:
        """Call the consumer; what it wants to send has this trace, unless it says otherwise."""
        try:
            consumer_started.send(sender=Run, environ={})
            self.call()
            stamp_pending(trace)
            self.sends = pending_message_store.threadlocal.messages
        except ConsumeLater:
            self.later = True
        except Exception as e:
            self.error = e
        except BaseException as e:
            # SystemExit and the like end no worker.
            self.error = RuntimeError("The consumer raised %r" % e)
            self.error.__cause__ = e
        pending_message_store.prepare()
        try:
            consumer_finished.send(sender=Run)
        except Exception:
            logger.exception("What listens to consumer_finished failed after a message on %s", self.channel)

    def call(self) -> None:
        """Call the consumer, and do what Channels' own exceptions ask for."""
        assert self.consumer is not None
        if len(self.messages) > 1:
            self.consumer.many(self.messages, **self.kwargs)  # type: ignore[attr-defined]
            return
        (message,) = self.messages
        try:
            returned = self.consumer(message, **self.kwargs)
            if inspect.iscoroutine(returned):
                returned.close()
                raise TypeError("%r is an async function; consumers of Channels 1 are plain ones" % self.consumer)
        except DenyConnection:
            if message.channel.name != "websocket.connect":
                raise ValueError("DenyConnection is for websocket.connect, not for %s" % message.channel.name) from None
            message.reply_channel.send({"close": True})
        except WebsocketCloseException as e:
            close_socket(message, e._code)
        except ChannelSocketException as e:
            e.run(message)


def match(router: Any, message: Message) -> tuple[Callable[..., Any], dict[str, Any]] | None:
    """`router.match`, without its deep copy of the whole message (B18): only what is included copies it."""
    for entry in router.root.routing:
        found = entry.match(message)
        if found is not None:
            return found
    return None


def close_socket(message: Message, code: int | None) -> None:
    """
    Do what WebsocketCloseException asks for. Its own `run` refuses the reply channels of every Daphne since 1.0 (B2),
    and its check lets any number pass (B3): what is no code for an application closes with 1011.
    """
    if message.reply_channel is None:
        raise ValueError("WebsocketCloseException is for sockets, and this message on %s has none" % message.channel)
    if code is not None and not (isinstance(code, int) and (code == 1000 or 3000 <= code <= 4999)):
        logger.error("A consumer of %s closes a socket with %r, which is no close code: 1011", message.channel, code)
        code = 1011
    message.reply_channel.send({"close": code or True})


def dispatch(layer: Any, channel: str, content: dict[str, Any]) -> None:
    """
    Run one message that is not on lease through its consumer, and send what comes of it. Whatever fails is logged here,
    nothing is raised.
    """
    run = Run(layer, [Delivery((channel,), content)]).find_consumer()  # type: ignore[arg-type]
    run.execute()
    if run.trouble is not None:
        logger.warning("A message on %s can't be handled now: %s", channel, databases.said(run.error))
        run.sends = run.answer
    elif run.error is not None:
        logger.error("The consumer of a message on %s raised", channel, exc_info=run.error)
        run.sends = run.answer
    if run.later:
        postpone(run.messages[0])
    try:
        send_or_drop(run.sends)
    except Exception:
        logger.exception("What a consumer of %s wanted to send is dropped", channel)


def send_or_drop(sends: Iterable[Send]) -> None:
    """Send these, with patience for channels that are full; what can't be sent is logged."""
    left = list(sends)
    for _ in range(REQUEUE_TRIES):
        left, unsendable = send_all(left)
        for (target, _), why in unsendable:
            logger.error("A message for %s can't be sent and is dropped: %s", target.name, why)
        DROPPED["unsendable"].inc(len(unsendable))
        if not left:
            return
        time.sleep(REQUEUE_INTERVAL)
    logger.error("%d messages are dropped: %s stayed full", len(left), left[0][0].name)
    DROPPED["full"].inc(len(left))


def postpone(message: Message) -> None:
    """Put a message back that its layer has forgotten, as often as Channels does. What is dropped is logged."""
    tries = message.content["__retries__"] = message.content.get("__retries__", 0) + 1
    try:
        if tries >= POSTPONE_LIMIT:
            logger.error(
                "A message on %s is dropped: its consumer wants it later for the %dth time", message.channel, tries
            )
            DROPPED["postponed"].inc()
        else:
            requeue(message, message.channel_layer.send)
    except Exception:
        logger.exception("A message on %s that its consumer wants later is dropped", message.channel)


def requeue(message: Message, send: Callable[..., None], *args: Any) -> None:
    """Put a message back on its channel with this way of sending. Raises ChannelFull if the channel stays full."""
    for _ in range(REQUEUE_TRIES):
        try:
            return send(message.channel.name, message.content, *args)
        except message.channel_layer.ChannelFull:
            time.sleep(REQUEUE_INTERVAL)
    return send(message.channel.name, message.content, *args)
