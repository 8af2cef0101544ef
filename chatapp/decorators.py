"""Decorators for the chat's consumers."""

import functools
import logging
from collections.abc import Callable
from typing import Any

from channels.exceptions import ConsumeLater, DenyConnection
from channels.message import Message
from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict

from chatapp import protocol
from chatapp.exceptions import ClientError

logger = logging.getLogger(__name__)

Consumer = Callable[..., None]


def answer_errors(func: Consumer) -> Consumer:
    """
    Turn a ClientError into an `error` frame to the sender, and close the socket where the code says so.

    A refused `websocket.connect` is accepted first: a browser can't read a refused handshake. A message that no socket
    sent (a bot's) has nobody to answer, so its error is logged.
    """

    @functools.wraps(func)
    def inner(message: Message, *args: Any, **kwargs: Any) -> None:
        try:
            func(message, *args, **kwargs)
        except ClientError as e:
            if message.reply_channel is None:
                logger.warning("A message on %s was refused: %s (%s)", message.channel.name, e.text, e.code)
                return
            content: dict[str, Any] = protocol.text(protocol.error_frame(e))
            if message.channel.name == "websocket.connect":
                content["accept"] = True
            if e.close_code is not None:
                content["close"] = e.close_code
            message.reply_channel.send(content)

    return inner


def refuse_unreadable(func: Consumer) -> Consumer:
    """Refuse a connection whose query string makes Django's and Channels' own decorators raise."""

    @functools.wraps(func)
    def inner(message: Message, *args: Any, **kwargs: Any) -> None:
        query = message.get("query_string", b"")
        try:
            QueryDict(query.decode("utf-8") if isinstance(query, bytes) else query)
        except (UnicodeDecodeError, SuspiciousOperation):
            raise ClientError("invalid_query") from None
        func(message, *args, **kwargs)

    return inner


def refuse_on_failure(func: Consumer) -> Consumer:
    """If a connect consumer fails, refuse the socket at once: its browser would else wait for the time-out."""

    @functools.wraps(func)
    def inner(message: Message, *args: Any, **kwargs: Any) -> None:
        try:
            func(message, *args, **kwargs)
        except (ConsumeLater, DenyConnection):
            raise
        except Exception:
            message.reply_channel.send({"close": True})
            raise

    return inner
