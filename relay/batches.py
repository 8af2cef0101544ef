"""Consumers that are given several messages at once."""

import functools
from collections.abc import Callable
from typing import Any

from channels.message import Message


class BatchConsumer:
    """
    A consumer that handles a list of messages. See `relay.decorators.batch_consumer`.

    A worker that knows of it calls `many`. Called like any consumer, with one message, it handles a list of that one.
    """

    def __init__(self, many: Callable[..., Any], limit: int, single: Callable[..., Any] | None = None):
        functools.update_wrapper(self, many)
        self.many = many
        self.limit = limit
        self.single = single

    def __call__(self, message: Message, **kwargs: Any) -> Any:
        return self.single(message, **kwargs) if self.single else self.many([message], **kwargs)
