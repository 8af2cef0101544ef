"""Running the consumer of one message, as `channels.worker.Worker` does inside its loop."""

import logging
import time
from collections.abc import Callable
from typing import Any

from channels.exceptions import ChannelSocketException, ConsumeLater, DenyConnection
from channels.message import Message
from channels.signals import consumer_finished, consumer_started

logger = logging.getLogger(__name__)

#: How often it is tried to put a message back that its consumer wants later, and the seconds between two tries.
REQUEUE_TRIES, REQUEUE_INTERVAL = 100, 0.05


def dispatch(layer: Any, channel: str, content: dict[str, Any]) -> None:
    """
    Run the message on `channel` through its consumer. Whatever fails is logged here, nothing is raised.

    `layer` is Channels' wrapper of a channel layer: it has the router. Restated from `Worker.run`, whose loop has no
    such part to call.
    """
    try:
        message = Message(content=content, channel_name=channel, channel_layer=layer)
        match = layer.router.match(message)
        if match is None:
            logger.error("No consumer is routed for a message on %s; it is left out", channel)
            return
        consumer, kwargs = match
        consumer_started.send(sender=dispatch, environ={})
        try:
            run(consumer, kwargs, message)
        finally:
            consumer_finished.send(sender=dispatch)
    except Exception:
        logger.exception("The consumer of a message on %s raised", channel)


def run(consumer: Callable[..., Any], kwargs: dict[str, Any], message: Message) -> None:
    """Call the consumer, and do what Channels' own exceptions ask for."""
    try:
        consumer(message, **kwargs)
    except DenyConnection:
        message.reply_channel.send({"close": True})
    except ChannelSocketException as e:
        e.run(message)
    except ConsumeLater:
        requeue(message, message.channel_layer.send)


def requeue(message: Message, send: Callable[..., None], *args: Any) -> None:
    """Put a message back on its channel with this way of sending. Raises ChannelFull if the channel stays full."""
    for _ in range(REQUEUE_TRIES):
        try:
            return send(message.channel.name, message.content, *args)
        except message.channel_layer.ChannelFull:
            time.sleep(REQUEUE_INTERVAL)
    return send(message.channel.name, message.content, *args)
