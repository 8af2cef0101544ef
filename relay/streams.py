"""Long responses and large bodies between a worker and an interface server, a part at a time."""

import logging
import tempfile
import time
from typing import IO, Any

from channels.exceptions import RequestAborted, RequestTimeout
from channels.message import Message

from relay.layers import leases
from relay.mailbox import Box, open_box
from relay.window import Window

logger = logging.getLogger(__name__)

#: Seconds for which a response waits while the queue of its interface server is full, and between two tries.
PATIENCE, INTERVAL = 15.0, 0.05
#: Seconds of silence after which an interface server counts as gone, and after which it is asked for a part again.
SILENCE, ASK_AGAIN = 60.0, 5.0
#: Bytes of a body that are kept in memory, and not in a file.
IN_MEMORY = 512 * 1024


class Stream:
    """
    Sends the messages of one response. If the interface server tells what the client takes (`window` in its request),
    a response of several messages waits for that.
    """

    def __init__(self, message: Message):
        self.message = message
        size = message.get("window", 0)
        self.window = Window(size) if size and leases(message.channel_layer) else None
        self.box: Box | None = None

    def send(self, part: dict[str, Any]) -> bool:
        """Send a part. False: nobody is there to have it, which the log says."""
        more = part.get("more_content", False)
        if self.window is not None and (more or self.box is not None):
            self.box = self.box or open_box(self.message.channel_layer)
            if not self.wait(self.window, self.box):
                return False
            self.window.note_sent(len(part.get("content", b"")))
            if more:
                part = {**part, "mailbox": self.box.address}
        if send_in_time(self.message, part):
            return True
        logger.warning("Nobody reads the response to %s; it is cut off", self.message.get("path"))
        return False

    def wait(self, window: Window, box: Box) -> bool:
        """Until there is room for a part. False: the client left, or its interface server has died."""
        while (mail := box.get(timeout=0)) is not None:
            window.note(mail)
        while not (window.is_open or window.gone):
            mail = box.get(timeout=SILENCE)
            if mail is None:
                logger.warning("The interface server of a response to %s is silent", self.message.get("path"))
                return False
            window.note(mail)
        if window.gone:
            logger.info("The client of %s left before the end of its response", self.message.get("path"))
        return not window.gone


def fetch_body(message: Message) -> IO[bytes]:
    """
    The body of a request that is with its interface server, in a temporary file. Each part is asked for by its place,
    so whoever gets the request once more can have it once more.

    Raises RequestAborted if the client left, RequestTimeout if its interface server has died.
    """
    size, box = message["body_size"], open_box(message.channel_layer)
    body = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (the request keeps it)
    while body.tell() < size:
        body.write(fetch_part(message, body.tell(), box))
    body.seek(0)
    return body


def fetch_part(message: Message, offset: int, box: Box) -> bytes:
    give_up_at = time.monotonic() + SILENCE
    while time.monotonic() < give_up_at:
        if not send_in_time(message, {"pull": offset, "mailbox": box.address}):
            break
        ask_again_at = time.monotonic() + ASK_AGAIN
        while (mail := box.get(timeout=ask_again_at - time.monotonic())) is not None:
            if mail.get("gone"):
                raise RequestAborted("The client left before its body was read")
            if mail.get("offset") == offset:
                return mail["data"]
    raise RequestTimeout("The interface server does not send the body")


def send_in_time(message: Message, part: dict[str, Any]) -> bool:
    give_up_at = time.monotonic() + PATIENCE
    while True:
        try:
            message.reply_channel.send(part, immediately=True)
            return True
        except message.channel_layer.ChannelFull:
            if time.monotonic() >= give_up_at:
                return False
            time.sleep(INTERVAL)
