"""What a worker does with the messages of dashboards. `routing.py` says which channel each is for."""

from collections.abc import Sequence

from channels.auth import http_session_user
from channels.message import Message

from chatapp.dashboard import figures, joining, keeper
from chatapp.decorators import answer_errors, refuse_session_keys, refuse_unreadable
from relay.decorators import batch_consumer, linearize


@linearize
@answer_errors
@refuse_unreadable
@refuse_session_keys
@http_session_user
def ws_connect(message: Message, name: str) -> None:
    """A socket wants to look at a dashboard: find out who it is, and let it."""
    joining.enter(message.reply_channel, joining.visitor(message, name))


@answer_errors
def ws_keepalive(message: Message, name: str) -> None:
    """A socket lives: renew what would expire without it, and let it know that all works."""
    joining.stay(message.reply_channel, name)


@linearize
@answer_errors
def ws_receive(message: Message, name: str) -> None:
    """A frame came: do what it asks for."""
    joining.perform(message.reply_channel, name, message.get("text"))


@linearize
def ws_disconnect(message: Message, name: str) -> None:
    """A socket is gone."""
    joining.leave(message.reply_channel, name)


@batch_consumer
def dashboard_points(messages: Sequence[Message]) -> None:
    """Series have points that browsers have not got: send them, merged and thinned."""
    keeper.send_now_or_soon({message["series"] for message in messages})


def dashboard_trip(message: Message) -> None:
    """A message that was timed on its way."""
    keeper.send_now_or_soon(figures.note_trip(message["sent"]))
