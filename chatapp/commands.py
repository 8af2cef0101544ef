"""What the frames of clients do."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from channels import Channel
from channels.message import Message
from django.db import DataError

from chatapp import guests, joining, ledger, metrics, protocol
from chatapp.decorators import answer, refusal
from chatapp.exceptions import ClientError
from chatapp.identity import Sender
from chatapp.models import Membership, Presence, Room
from chatapp.notifications import inbox
from relay.outbox import handling

HELP = (
    "/name Ann: call yourself Ann (guests). /who: who is here. /roll 2d6: throw dice. @ann in a message notifies Ann. "
    "/join, /leave: whether you are notified of what is said here while you are away. "
    "Anything else is a message to the room."
)


class Member(NamedTuple):
    """The socket that a frame came from, as it was settled when it entered."""

    reply_channel: Channel
    sender: Sender
    slug: str

    @property
    def room(self) -> Room:
        """Raises ClientError `not_joined` if it is gone."""
        room = Room.read("slug = %s", self.slug)
        if room is None:
            raise ClientError("not_joined")
        return room

    @property
    def user_id(self) -> int:
        """Raises ClientError `account_needed` for guests."""
        if self.sender.user_id is None:
            raise ClientError("account_needed")
        return self.sender.user_id

    def reply(self, frame: dict[str, Any]) -> None:
        self.reply_channel.send(protocol.text(frame))


def perform(messages: Sequence[Message]) -> None:
    """Do what the frames in `websocket.receive` messages ask for. What is wrong with one is its own answer."""
    seats = Presence.seats({message.reply_channel.name for message in messages})
    renamed = guests.renamed(sender for sender, _ in seats.values())
    for message in messages:
        name = message.reply_channel.name
        with handling(message):
            try:
                if name in seats:
                    seats[name] = named(message.reply_channel, *seats[name], renamed)
                changed = act(message, *seats[name]) if name in seats else come_in(message)
                if changed:
                    seats.update(Presence.seats({name}))
            except ClientError as e:
                answer(message, e)
            except DataError as e:
                answer(message, refusal(e))


def named(reply_channel: Channel, sender: Sender, slug: str, renamed: dict[Sender, Sender]) -> tuple[Sender, str]:
    """Who sits there. A guest who has lost its name is told so."""
    if sender not in renamed:
        return sender, slug
    joining.take_name_away(reply_channel, slug, sender, renamed[sender])
    return renamed[sender], slug


def act(message: Message, sender: Sender, slug: str) -> bool:
    """Do what the frame of a socket asks for. Returns whether it may be somebody else, or called otherwise, now."""
    command = protocol.decode(message.get("text"))
    if not slug and not isinstance(command, ROOMLESS):
        raise ClientError("no_room")
    ACTIONS[type(command)](message, Member(message.reply_channel, sender, slug), command)
    return isinstance(command, protocol.Slash | protocol.Auth)


def come_in(message: Message) -> bool:
    """The first frame of a socket that was to say who it is; of any other the server knows nothing, or no more."""
    wanted = joining.waiting(message.reply_channel)
    if wanted is None:
        raise ClientError("not_joined")
    command = protocol.decode(message.get("text"))
    if not isinstance(command, protocol.Auth):
        raise ClientError("auth_needed")
    joining.come_in(message.reply_channel, wanted, command.token)
    return True


def say(message: Message, member: Member, command: protocol.Say) -> None:
    """Queue the message; the consumer of `chat-messages` stores, acknowledges and broadcasts it."""
    Channel("chat-messages").send(
        {
            "room": member.slug,
            "message": command.message,
            "sender": member.sender.key,
            "name": member.sender.name,
            "client_id": command.client_id or frame_id(message),
            "reply_channel": member.reply_channel.name,
        }
    )


def frame_id(message: Message) -> str:
    """A client_id for a frame that brought none: the same whenever this frame is delivered."""
    frame = "%s %s" % (message.reply_channel.name, message["order"])
    return hashlib.sha1(frame.encode("utf-8")).hexdigest()


def history(message: Message, member: Member, command: protocol.History) -> None:
    if command.since is not None:
        metrics.REPAIRS["asked"].inc()
    member.reply(ledger.history_frame(member.room, command))


def typing(message: Message, member: Member, command: protocol.Typing) -> None:
    key, name = member.sender
    frame = {**protocol.answer("typing", user=name, sender=key), **protocol.guest_mark(key)}
    member.room.group.send(protocol.text(frame))


def presence(message: Message, member: Member, command: protocol.AskPresence) -> None:
    member.reply(joining.presence_frame(member.room))


def auth(message: Message, member: Member, command: protocol.Auth) -> None:
    room = member.room if member.slug else None
    joining.identify(member.reply_channel, room, member.sender, command.token)


def notifications(message: Message, member: Member, command: protocol.AskNotifications) -> None:
    inbox.send_page(member.reply_channel, member.user_id, command.skip)


def mark_read(message: Message, member: Member, command: protocol.MarkRead) -> None:
    inbox.mark_read(member.user_id, command.ids, command.object)


def slash(message: Message, member: Member, command: protocol.Slash) -> None:
    try:
        SLASH_ACTIONS[command.command](member, command)
    except ClientError as e:
        raise e.about(command.client_id) from None


def rename(member: Member, command: protocol.Slash) -> None:
    """`/name Ann`: a guest takes a name, which must not look like an account's."""
    if not member.sender.is_guest:
        raise ClientError("name_fixed")
    name = protocol.checked_name(command.argument)
    guests.check_name(name)
    joining.rename(member.reply_channel, member.room, member.sender._replace(name=name), command.client_id)


def who(member: Member, command: protocol.Slash) -> None:
    here = joining.presence_frame(member.room)
    names = [name + " (guest)" if name in here["guests"] else name for name in here["users"]]
    text = "%d here: %s" % (here["count"], ", ".join(names))
    member.reply(protocol.answer("notice", command.client_id, text=text))


def join(member: Member, command: protocol.Slash) -> None:
    """`/join`: be notified of what is said here, as whoever says something is."""
    Membership.set_muted(member.room, member.user_id, muted=False)
    text = "You are notified of what is said here while you are away. /leave ends it."
    member.reply(protocol.answer("notice", command.client_id, text=text))


def leave(member: Member, command: protocol.Slash) -> None:
    """`/leave`: be notified no more, but where one is named."""
    Membership.set_muted(member.room, member.user_id, muted=True)
    text = "You are not notified of this room any more, but of messages with your name. /join changes it."
    member.reply(protocol.answer("notice", command.client_id, text=text))


def show_help(member: Member, command: protocol.Slash) -> None:
    member.reply(protocol.answer("notice", command.client_id, text=HELP))


ACTIONS: dict[type, Callable[[Message, Member, Any], None]] = {
    protocol.Say: say,
    protocol.History: history,
    protocol.Typing: typing,
    protocol.AskPresence: presence,
    protocol.Auth: auth,
    protocol.AskNotifications: notifications,
    protocol.MarkRead: mark_read,
    protocol.Slash: slash,
}
SLASH_ACTIONS: dict[str, Callable[[Member, protocol.Slash], None]] = {
    "name": rename,
    "who": who,
    "help": show_help,
    "join": join,
    "leave": leave,
}
#: What a socket may ask for that is in no room.
ROOMLESS = (protocol.Auth, protocol.AskNotifications, protocol.MarkRead)
