"""What a worker does for notifications. `routing.py` says which channels it is for."""

from channels.message import Message

from chatapp.notifications import delivery


def notifications(message: Message) -> None:
    """A notification is to go out through a backend. If that fails, the message comes again."""
    last = getattr(message.channel_layer, "max_deliveries", None)
    is_last = last is not None and getattr(message.content, "attempts", 1) >= last
    delivery.deliver(message["delivery"], is_last)
