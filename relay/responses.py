"""Sending HTTP responses to interface servers that may be gone."""

import logging
import time
from typing import Any

from channels import handler, staticfiles
from channels.message import Message

logger = logging.getLogger(__name__)

#: Seconds for which a response waits for a client that does not read it, and between two tries.
PATIENCE, INTERVAL = 15.0, 0.05


class ViewConsumer(handler.ViewConsumer):
    """
    Channels' ViewConsumer, which holds its worker for as long as nobody reads a response: for ever, or until what is
    queued for an interface server that died expires (B17). Here it is cut off.
    """

    def __call__(self, message: Message) -> None:
        for part in self.handler(message):
            if not sent_in_time(message, part):
                logger.warning("Nobody reads the response to %s; it is cut off", message.get("path"))
                return


class StaticFilesConsumer(ViewConsumer):
    """Channels' StaticFilesConsumer, likewise."""

    handler_class = staticfiles.StaticFilesHandler


def sent_in_time(message: Message, part: dict[str, Any]) -> bool:
    give_up_at = time.monotonic() + PATIENCE
    while True:
        try:
            message.reply_channel.send(part, immediately=True)
            return True
        except message.channel_layer.ChannelFull:
            if time.monotonic() >= give_up_at:
                return False
            time.sleep(INTERVAL)
