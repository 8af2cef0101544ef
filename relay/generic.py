"""Channels' class-based consumers, where they need mending."""

from typing import Any

from channels.generic import websockets


class WebsocketDemultiplexer(websockets.WebsocketDemultiplexer):
    """
    Channels' demultiplexer, which replaces the `send` of the consumers' classes by its own: from then on a class keeps
    the last message alive, sends to another's socket in another thread, and can't be used without it (B21). Here it
    replaces that of a class made for this one message.
    """

    def receive(self, content: Any, **kwargs: Any) -> None:
        stream = content.get("stream") if isinstance(content, dict) else None
        known: dict[str, Any] = self.consumers  # type: ignore[has-type]
        self.consumers = {name: of_its_own(known[name]) if name == stream else known[name] for name in known}
        super().receive(content, **kwargs)


def of_its_own(consumer: Any) -> Any:
    """A subclass that may be changed; what is no class is as it is."""
    return type(consumer.__name__, (consumer,), {}) if isinstance(consumer, type) else consumer
