"""`asgiref.base_layer`: what the layers of asgi_redis and of relay have in common."""

import fnmatch
import re
from typing import Any

from relay.names import StrictNames


class BaseChannelLayer:
    """
    The settings and the name checks of an ASGI 1.x channel layer. What sends and receives is up to the subclasses.

    expiry: seconds that a message is kept at most.
    group_expiry: seconds that a channel stays in a group.
    capacity: messages of a channel that may wait.
    channel_capacity: channel → its own capacity. The key has wildcards (`http.response!*`) or is a compiled pattern;
      the first that matches counts.
    """

    class ChannelFull(Exception):
        """Raised by `send` when as many messages wait as the channel's capacity allows."""

    class MessageTooLarge(Exception):
        """Raised by `send` when the layer can't carry a message of this size."""

    extensions: list[str] = []

    valid_channel_name = staticmethod(StrictNames.valid_channel_name)
    valid_group_name = staticmethod(StrictNames.valid_group_name)

    def __init__(
        self,
        expiry: float = 60,
        group_expiry: float = 86400,
        capacity: int = 100,
        channel_capacity: dict[Any, int] | None = None,
    ):
        self.expiry = expiry
        self.group_expiry = group_expiry
        self.capacity = capacity
        self.channel_capacity = self.compile_capacities(channel_capacity or {})

    def receive_many(self, channels: Any, block: bool = False) -> Any:
        """`receive`, by the name that the test clients of Channels call it."""
        return self.receive(channels, block)  # type: ignore[attr-defined]

    def compile_capacities(self, capacities: dict[Any, Any]) -> list[tuple[re.Pattern[str], Any]]:
        """The same table, with a compiled pattern in place of each name."""
        return [
            (key if isinstance(key, re.Pattern) else re.compile(fnmatch.translate(key)), value)
            for key, value in capacities.items()
        ]

    def get_capacity(self, channel: str) -> int:
        return next((value for pattern, value in self.channel_capacity if pattern.match(channel)), self.capacity)

    def valid_channel_names(self, names: list[str], receive: bool = False) -> bool:
        if not (names and isinstance(names, list)):
            raise AssertionError("names must be a non-empty list, not %r" % (names,))
        return all(self.valid_channel_name(name, receive=receive) for name in names)

    def non_local_name(self, name: str) -> str:
        """The name up to its `!`, which is what all channels of one process share. Without one: the whole name."""
        head, mark, _ = name.partition("!")
        return head + mark
