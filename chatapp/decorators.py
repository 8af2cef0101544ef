"""Decorators for the chat's consumers."""

import functools
import logging
from collections.abc import Callable
from typing import Any

from channels.message import Message
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import DataError
from django.http import QueryDict

from chatapp import metrics, protocol
from chatapp.exceptions import ClientError

logger = logging.getLogger(__name__)

Consumer = Callable[..., None]


def answer_errors(func: Consumer) -> Consumer:
    """Turn a ClientError, or a text that the database refuses, into an `error` frame to the sender: see `answer`."""

    @functools.wraps(func)
    def inner(message: Message, *args: Any, **kwargs: Any) -> None:
        try:
            func(message, *args, **kwargs)
        except ClientError as e:
            answer(message, e)
        except DataError as e:
            answer(message, refusal(e))

    return inner


def refusal(error: DataError) -> ClientError:
    """
    What a client is told whose text the database refuses, as one in LATIN1 does with `日本` (P5). To try again helps
    nobody. The text does not go to the log.
    """
    logger.warning("The database refuses what a client wrote: %s", type(error.__cause__ or error).__name__)
    return ClientError("unstorable_text")


def answer(message: Message, error: ClientError) -> None:
    """
    Send an `error` frame to the sender of a message, and close the socket where the code says so.

    A refused `websocket.connect` is accepted first: a browser can't read a refused handshake. A message that no socket
    sent (a bot's) has nobody to answer, so its error is logged.
    """
    metrics.count_error(error.code)
    if message.reply_channel is None:
        logger.warning("A message on %s was refused: %s (%s)", message.channel.name, error.text, error.code)
        return
    content: dict[str, Any] = protocol.text(protocol.error_frame(error))
    if message.channel.name == "websocket.connect":
        content["accept"] = True
    if error.close_code is not None:
        content["close"] = error.close_code
    message.reply_channel.send(content)


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


def refuse_session_keys(func: Consumer) -> Consumer:
    """
    Refuse `?session_key=` unless CHAT_SESSION_KEY_LOGINS: what comes after would take it for a login, and a URL ends in
    histories, logs and referrers (F2). Needs a query that can be read.
    """

    @functools.wraps(func)
    def inner(message: Message, *args: Any, **kwargs: Any) -> None:
        if not settings.CHAT_SESSION_KEY_LOGINS and "session_key" in QueryDict(message.get("query_string", b"")):
            raise ClientError("session_key_off")
        func(message, *args, **kwargs)

    return inner
