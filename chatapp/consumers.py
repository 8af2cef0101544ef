"""What a worker does with each message. `routing.py` says which channel each is for."""

from collections.abc import Sequence

from channels.auth import http_session_user
from channels.message import Message

from chatapp import commands, joining, mentions, posting
from chatapp.decorators import answer_errors, refuse_session_keys, refuse_unreadable
from relay.decorators import batch_consumer, linearize


@linearize
@answer_errors
@refuse_unreadable
@refuse_session_keys
@http_session_user
def ws_connect(message: Message, room: str | None = None) -> None:
    """A socket wants in: find out who it is and which room it wants, and let it enter."""
    joining.arrive(message, joining.query_of(message).get("room", "") if room is None else room)


@linearize
@answer_errors
@refuse_unreadable
@refuse_session_keys
@http_session_user
def ws_connect_notifications(message: Message) -> None:
    """A socket wants to hear a user's notifications, and is in no room."""
    joining.arrive(message, None)


@answer_errors
def ws_keepalive(message: Message) -> None:
    """A socket lives: renew what would expire without it."""
    joining.stay(message.reply_channel)


@linearize
@batch_consumer
def ws_receive(messages: Sequence[Message]) -> None:
    """Frames came: do what they ask for. A message for a room is only queued here."""
    commands.perform(messages)


@linearize
def ws_disconnect(message: Message) -> None:
    """A socket is gone: leave the room. Its last frames, if they are here, come first."""
    joining.leave(message.reply_channel)


@batch_consumer
def chat_messages(messages: Sequence[Message]) -> None:
    """Messages for rooms, from sockets or from anywhere: store them, broadcast them, acknowledge each."""
    posting.post(messages)


def chat_bots(message: Message) -> None:
    """A stored message that a bot wants to see: let it answer."""
    posting.let_bots_answer(message["room"], message["seq"])


def chat_notify(message: Message) -> None:
    """Messages were broadcast: notify those who are named in them, and those who belong to the room and are away."""
    mentions.notify_of(message["room"], message["first"], message["last"], message.get("after", 0))
