"""
What interface servers tell a worker while it answers a request: how much a client has taken, that it has left, and
parts of its body. See "Long responses and uploads" in docs/worker.md.
"""

import logging
import os
import queue
import secrets
import threading
import time
import weakref
from typing import Any

from relay.layers import take

logger = logging.getLogger(__name__)

#: Messages that are taken at once.
BATCH = 100
#: Seconds between two looks at a layer that does not wait, and after it failed.
POLL, PAUSE = 0.01, 1.0
#: Seconds after which the thread ends if nobody has a box.
IDLE = 10.0


class Box:
    """Where one thread gets its mail. Mail for a box that nobody keeps is thrown away."""

    def __init__(self, address: str):
        self.address = address
        self.mail: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def get(self, timeout: float) -> dict[str, Any] | None:
        """The next message; None if none comes within so many seconds."""
        try:
            return self.mail.get(timeout=timeout) if timeout > 0 else self.mail.get_nowait()
        except queue.Empty:
            return None


class Mailbox(threading.Thread):
    """The thread that reads a process's mail from one layer. It ends when there has been no box for a while."""

    def __init__(self, layer: Any):
        super().__init__(name="relay-mailbox", daemon=True)
        self.layer = layer
        self.channel = "relay.mailbox.%s!" % secrets.token_hex(8)
        self.boxes: weakref.WeakValueDictionary[str, Box] = weakref.WeakValueDictionary()

    def open(self) -> Box:
        box = Box(self.channel + secrets.token_hex(8))
        self.boxes[box.address] = box
        return box

    def run(self) -> None:
        done: list[Any] = []
        used = time.monotonic()
        while True:
            began = time.monotonic()
            try:
                deliveries = take(self.layer, [self.channel], BATCH, block=True, done=done)
            except Exception as e:
                logger.error("The channel layer can't be read, and is tried again in %d s: %s", PAUSE, e)
                time.sleep(PAUSE)
                deliveries = []
            done = deliveries
            for delivery in deliveries:
                self.hand_over(delivery.channel, delivery.content)
            now = time.monotonic()
            if not deliveries and now - began < POLL:
                # A worker that ends has told its layer not to wait.
                time.sleep(POLL)
            if self.boxes or done:
                used = now
            elif now - used > IDLE and self.retire():
                return

    def hand_over(self, address: str, content: dict[str, Any]) -> None:
        box = self.boxes.get(address)
        if box is not None:
            box.mail.put(content)

    def retire(self) -> bool:
        """Take no more boxes, unless there is one now."""
        with _opening:
            if self.boxes:
                return False
            _mailboxes.pop(self.layer, None)
            return True


_mailboxes: dict[Any, Mailbox] = {}
_opening = threading.Lock()


def open_box(layer: Any) -> Box:
    """A new box, for mail that this layer brings."""
    # Channels' wrappers of a layer come and go.
    layer = getattr(layer, "channel_layer", layer)
    with _opening:
        mailbox = _mailboxes.get(layer)
        if mailbox is None:
            mailbox = _mailboxes[layer] = Mailbox(layer)
            mailbox.start()
        return mailbox.open()


def _forget() -> None:
    """In a child process there are no threads of the parent's."""
    global _opening
    _opening = threading.Lock()
    _mailboxes.clear()


os.register_at_fork(after_in_child=_forget)
