"""Decorators for consumers."""

import functools
import inspect
import logging
import threading
import uuid
from collections.abc import Callable
from typing import Any

from channels.message import Message, pending_message_store
from channels.signals import consumer_finished, consumer_started

from relay.batches import BatchConsumer
from relay.dispatch import dispatch, requeue, send_or_drop
from relay.layers import leases
from relay.layers.policy import lane_named
from relay.turns import MINE, WAITING, turns_of

logger = logging.getLogger(__name__)

_local = threading.local()


def linearize(func: Callable[..., Any]) -> Callable[..., Any]:
    """
    Run at most one linearized consumer of a reply channel at a time, on any number of workers.

    Put it outermost, above `channel_session`. Messages without a reply channel raise ValueError. The name and meaning
    are those of Channels 0.8.

    relay's layers keep that order anyway, and it costs nothing. On any other, a message that comes meanwhile waits in a
    line, in the order of its `order` (Daphne numbers the frames of a socket), and is handled by whoever is handling
    that socket: no worker waits for it, other sockets are not held up, and it is never dropped. What no lock can mend:
    there, two workers may take two frames of a socket and be overtaken by one another before either gets here.
    """

    if isinstance(func, BatchConsumer):
        return linearized_batch(func)

    @functools.wraps(func)
    def inner(message: Message, *args: Any, **kwargs: Any) -> Any:
        if not message.reply_channel:
            raise ValueError("linearize needs a reply_channel, and this message on %s has none" % message.channel.name)
        key = message.reply_channel.name
        if leases(message.channel_layer):
            return in_lane(func, message, *args, **kwargs)
        if key in turns_here():
            return func(message, *args, **kwargs)
        turns = turns_of(message.channel_layer, functools.partial(handle_line, message.channel_layer))
        token = uuid.uuid4().hex
        entered = turns.enter(key, token, message.get("order"), (message.channel.name, message.content))
        if entered == WAITING:
            return None
        try:
            if entered == MINE:
                with turn_here(key):
                    return func(message, *args, **kwargs)
        finally:
            handle_line(message.channel_layer, turns, key, token, within_consumer=True)

    return inner


def batch_consumer(func: Callable[..., Any] | None = None, limit: int = 200) -> Any:
    """
    Make a consumer of a function that takes a list of messages.

        @batch_consumer
        def save_messages(messages): ...

    The messages come from one or many lanes, each lane's in order, `limit` at most, and all from the same route. If the
    function raises for several, they are handled one by one, so a bad message takes no other with it: what it writes
    should be one transaction. A worker that knows of no batches, such as Channels' own, gives it lists of one.

    Put it outermost, or right below `linearize`: decorators for one message know nothing of lists.
    """
    if func is None:
        return functools.partial(batch_consumer, limit=limit)
    if inspect.iscoroutinefunction(func):
        raise TypeError("%r is an async function; consumers of Channels 1 are plain ones" % func)
    return BatchConsumer(func, limit)


def linearized_batch(consumer: BatchConsumer) -> BatchConsumer:
    """`linearize` for a batch consumer: messages that their layer did not order by reply channel are put in a lane."""

    def many(messages: list[Message], **kwargs: Any) -> None:
        here = [message for message in messages if is_in_lane(message)]
        if here:
            consumer.many(here, **kwargs)
        for message in messages:
            if not is_in_lane(message):
                requeue(message, message.channel_layer.send_in_lane, lane_of(message))

    single = linearize(lambda message, **kwargs: consumer.many([message], **kwargs))
    return BatchConsumer(functools.wraps(consumer.many)(many), consumer.limit, single)


def lane_of(message: Message) -> str:
    return lane_named("reply_channel", message.reply_channel.name)


def is_in_lane(message: Message) -> bool:
    """Whether its layer keeps it in order with the others of its socket. What no layer has had is in order anyway."""
    lane = lane_of(message)
    return getattr(message.content, "lane", lane) == lane


def in_lane(func: Callable[..., Any], message: Message, *args: Any, **kwargs: Any) -> Any:
    """
    Run a consumer on a layer that keeps the order itself: nothing is left to do. A message that its layer did not order
    by the reply channel is put in that lane, and comes again from there.
    """
    if is_in_lane(message):
        return func(message, *args, **kwargs)
    return requeue(message, message.channel_layer.send_in_lane, lane_of(message))


def turns_here() -> set[str]:
    """The reply channels whose turn this thread has."""
    if not hasattr(_local, "keys"):
        _local.keys = set()
    return _local.keys


class turn_here:
    """While it lasts, linearized consumers of `key` run right away in this thread."""

    def __init__(self, key: str):
        self.key = key

    def __enter__(self) -> None:
        turns_here().add(self.key)

    def __exit__(self, *exc_info: Any) -> None:
        turns_here().discard(self.key)


def handle_line(layer: Any, turns: Any, key: str, token: str, within_consumer: bool = False) -> None:
    """
    Handle those who wait for the turn on `key`, and end the turn.

    Each is a consumer run of its own, with its own pending sends and database checks. So where this happens at the end
    of another's run, that one's are finished first. If the line can't be read, the turn is let go: it ends by itself
    and another worker, or this one, takes it over.
    """
    flushed = False
    try:
        with turn_here(key):
            while (waiting := turns.next(key, token)) is not None:
                if within_consumer and not flushed:
                    flushed = True
                    finish_run()
                dispatch(layer, *waiting)
    except Exception:
        logger.exception("The line of %s could not be handled to its end; it goes on when its turn has ended", key)
        turns.let_go(key, token)
    finally:
        if flushed:
            consumer_started.send(sender=linearize, environ={})


def finish_run() -> None:
    """
    End the consumer run that this thread is in, as its worker would. What it wanted to send and can't is logged and
    dropped: its worker must not send it a second time, nor lose the next message to it.
    """
    sends = pending_message_store.threadlocal.messages
    pending_message_store.prepare()
    try:
        send_or_drop(sends)
        consumer_finished.send(sender=linearize)
    except Exception:
        logger.exception("What a consumer wanted to send could not be sent")
        pending_message_store.prepare()
