"""Fan-out: each message is framed once, and each socket is written to once for a batch of messages."""

import logging
import time
from collections.abc import Callable
from typing import Any

from autobahn.websocket.protocol import PreparedMessage, WebSocketProtocol

from relay.layers.delivery import Delivery
from relay.metrics.drops import DROPPED
from relay.metrics.sockets import END_TO_END
from relay.traces import KEY, step, trace_of

logger = logging.getLogger(__name__)

OPEN = WebSocketProtocol.STATE_OPEN
#: What a message for a socket may say.
REPLY_KEYS = {"accept", "text", "bytes", "close", KEY}


class Fanout:
    """
    Hands messages to the sockets and requests that they are for.

    protocols: reply channel → the connection; it has a `state` and `reply(content, to_group)`, and one whose state is
    OPEN has `write_frames(frames)`.
    on_late: is called with a message for a connection that is gone.
    """

    def __init__(self, protocols: dict[str, Any], on_late: Callable[[dict[str, Any]], None] = lambda content: None):
        self.protocols = protocols
        self.on_late = on_late
        #: Messages, once for each connection that they were for; and those whose connections were gone.
        self.handed = self.late = 0

    def deliver(self, deliveries: list[Delivery]) -> None:
        pending: dict[Any, list[bytes]] = {}
        late = self.late
        for delivery in deliveries:
            self.handed += len(delivery.channels)
            try:
                self.add(delivery, pending)
            except Exception:
                # The text is not logged: it may be private.
                logger.exception("A message for %s can't be handed over", delivery.channel)
        for protocol in pending:
            self.flush(protocol, pending[protocol])
        for delivery in deliveries:
            note_written(delivery)
        if self.late != late:
            DROPPED["late"].inc(self.late - late)

    def add(self, delivery: Delivery, pending: dict[Any, list[bytes]]) -> None:
        """Note the frame of a plain message for each socket; anything else is handed over now, after what was noted."""
        data = plain_frame(delivery.content)
        find = self.protocols.get
        if data is None:
            for channel in delivery.channels:
                self.reply(find(channel), delivery, pending)
            return
        for channel in delivery.channels:
            protocol = find(channel)
            if protocol is None:
                self.late += 1
            elif protocol.state != OPEN:
                self.reply(protocol, delivery, pending)
            elif protocol in pending:
                pending[protocol].append(data)
            else:
                pending[protocol] = [data]

    def reply(self, protocol: Any, delivery: Delivery, pending: dict[Any, list[bytes]]) -> None:
        if protocol is None:
            self.late += 1
            self.on_late(delivery.content)
            return
        frames = pending.pop(protocol, None)
        if frames:
            self.flush(protocol, frames)
        try:
            protocol.reply(delivery.content, delivery.to_group)
        except Exception as e:
            logger.error("A message for %s can't be handed over: %s", protocol.reply_channel, e)
            self.end(protocol)

    def flush(self, protocol: Any, frames: list[bytes]) -> None:
        try:
            protocol.write_frames(frames)
        except Exception:
            logger.exception("Socket %s can't be written to", protocol.reply_channel)
            self.end(protocol)

    @staticmethod
    def end(protocol: Any) -> None:
        """Have a connection end; whatever it does then, the others get their messages."""
        try:
            protocol.fail()
        except Exception:
            logger.exception("%s could not be ended", protocol.reply_channel)


def note_written(delivery: Delivery) -> None:
    """It is written. How long a broadcast took is measured once for all sockets here: what they cost is counted."""
    trace = trace_of(delivery.content)
    if trace is None:
        return
    if delivery.to_group:
        END_TO_END.observe(max(0.0, time.time() - trace[1]))
    step(trace, "Written to %d connections", len(delivery.channels))


def plain_frame(content: dict[str, Any]) -> bytes | None:
    """The frame of a message that is nothing but `text` or `bytes`, and a trace; None for any other."""
    if len(content) != 1 and not (len(content) == 2 and KEY in content):
        return None
    text, data = content.get("text"), content.get("bytes")
    if isinstance(text, str):
        return frame(text.encode(), False)
    return frame(data, True) if isinstance(data, bytes) else None


def frame_of(content: dict[str, Any]) -> bytes | None:
    """The frame that a message for a socket asks for, if any. Raises ValueError for what is no such message."""
    unknown = content.keys() - REPLY_KEYS
    if unknown:
        raise ValueError("it has unknown keys: %s" % sorted(unknown))
    text, data = content.get("text"), content.get("bytes")
    if text is not None and data is not None:
        raise ValueError("it has both text and bytes")
    if text is not None:
        return frame(text.encode(), False)
    return None if data is None else frame(data, True)


def frame(payload: bytes, binary: bool) -> bytes:
    """The bytes of an unmasked WebSocket frame (RFC 6455, section 5.2)."""
    return PreparedMessage(payload, binary, applyMask=False, doNotCompress=True).payloadHybi
