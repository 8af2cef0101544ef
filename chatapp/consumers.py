"""What a worker does with each message. `routing.py` says which channel each is for."""

from channels.auth import http_session_user, transfer_user
from channels.message import Message
from channels.sessions import channel_session

from chatapp import commands, joining, posting
from chatapp.decorators import answer_errors, refuse_on_failure, refuse_unreadable
from relay.decorators import linearize


@linearize
@refuse_on_failure
@answer_errors
@refuse_unreadable
@channel_session
@http_session_user
def ws_connect(message: Message, room: str | None = None) -> None:
    """A socket wants in: find out who it is and which room it wants, and let it enter."""
    if message.http_session is not None:
        transfer_user(message.http_session, message.channel_session)
    visitor = joining.visitor(message, room)
    entered = joining.enter(message.reply_channel, visitor)
    commands.remember(message, entered, visitor.sender)
    joining.check_still_in(message.reply_channel, visitor)
    joining.tell_presence(entered)


@answer_errors
def ws_keepalive(message: Message) -> None:
    """A socket lives: renew what would expire without it."""
    joining.stay(message.reply_channel)


@linearize
@answer_errors
@channel_session
def ws_receive(message: Message) -> None:
    """A frame came: do what it asks for. A message for the room is only queued here."""
    commands.perform(message)


@linearize
@channel_session
def ws_disconnect(message: Message) -> None:
    """A socket is gone: leave the room, and keep nothing of it. Its last frames, if they are here, come first."""
    joining.leave(message.reply_channel)
    message.channel_session.flush()


@answer_errors
def chat_messages(message: Message) -> None:
    """A message for a room, from a socket or from anywhere: store it, acknowledge it, broadcast it."""
    posting.post(message)


def chat_bots(message: Message) -> None:
    """A stored message that a bot wants to see: let it answer."""
    posting.let_bots_answer(message["room"], message["seq"])
