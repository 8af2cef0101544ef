"""What a worker does for notifications. `routing.py` says which channel it is for."""

from channels.message import Message

from chatapp.notifications import delivery


def notifications(message: Message) -> None:
    """A notification is to go out through a backend. If that fails, the message comes again."""
    delivery.deliver(message["delivery"])
