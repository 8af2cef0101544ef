"""How a socket enters a room, catches up, stays, and leaves."""

import logging
from importlib import import_module
from typing import Any, NamedTuple

from channels import Channel, Group
from channels.message import Message
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import QueryDict
from django.http.cookie import parse_cookie

from chatapp import ledger, protocol
from chatapp.exceptions import CLOSE_CODES, ClientError
from chatapp.identity import GUEST_COOKIE, Sender, sender_of
from chatapp.models import Presence, Room

logger = logging.getLogger(__name__)

#: Pages of history that a returning socket is sent by itself; what is older it asks for.
CATCH_UP_PAGES = 50
#: Rooms of up to this many sockets are told who comes and goes. In larger ones that would be most of the traffic.
PRESENCE_LIMIT = 50


class Visitor(NamedTuple):
    """A socket that wants to enter: who, which room, and what it has already."""

    sender: Sender
    slug: str
    since: int | None
    user: Any
    session_key: str


def visitor(message: Message, slug: str | None) -> Visitor:
    """
    Read a `websocket.connect` message that `http_session_user` has seen. The room is in the path, or in `?room=`.
    Raises ClientError.
    """
    query = QueryDict(message.get("query_string", b""))
    if "session_key" in query and not message.user.is_authenticated:
        raise ClientError("session_invalid")
    sender = sender_of(message.user, [query.get("guest"), cookies(message).get(GUEST_COOKIE)])
    session_key = message.http_session.session_key if message.user.is_authenticated else ""
    user = message.user if message.user.is_authenticated else None
    return Visitor(sender, slug if slug is not None else query.get("room", ""), since(query), user, session_key)


def cookies(message: Message) -> dict[str, str]:
    headers = dict(message.get("headers", []))
    return parse_cookie(headers.get(b"cookie", b"").decode("latin1"))


def since(query: QueryDict) -> int | None:
    """The number in `?since=`. Raises ClientError."""
    if "since" not in query:
        return None
    if not (query["since"].isascii() and query["since"].isdigit()):
        raise ClientError("invalid_since")
    return protocol.in_range(int(query["since"][:20]))


def enter(reply_channel: Channel, guest: Visitor) -> Room:
    """
    Let a socket in: greet it, send what it missed, and have it hear what comes.

    The greeting, the last page and the entry into the group happen under the room's lock, and so does every broadcast.
    What was broadcast before is on a page, what comes after reaches the group: no gap, nothing twice, in order.
    """
    room = Room.named(guest.slug)
    if room.announced < room.head:
        # Left by a worker that died, or by a shell: the newcomer need not wait for the sweeper.
        ledger.announce(room)
        room.refresh_from_db()
    catch_up = CatchUp(reply_channel, guest)
    catch_up.send_full_pages(room)
    with transaction.atomic():
        room = room.locked()
        catch_up.send_last_page(room)
        Presence.note(reply_channel.name, room, guest.sender, guest.user and guest.user.pk, guest.session_key)
        join_groups(reply_channel, room, guest.sender)
    return room


class CatchUp:
    """What a socket is sent when it enters: `welcome`, and for `?since=` the pages after that number."""

    def __init__(self, reply_channel: Channel, guest: Visitor):
        self.reply_channel = reply_channel
        self.guest = guest
        self.since = guest.since
        self.greeted = False

    def send_full_pages(self, room: Room) -> None:
        """Without the lock: all pages that have more behind them."""
        for _ in range(CATCH_UP_PAGES):
            frame = self.next_page(room)
            if frame is None or frame["complete"]:
                return
            self.send_page(room, frame)

    def send_last_page(self, room: Room) -> None:
        """Under the lock: the greeting, if there was none yet, and the page that ends with the last broadcast."""
        self.greet(room)
        frame = self.next_page(room)
        if frame is not None:
            self.send_page(room, frame)

    def next_page(self, room: Room) -> dict[str, Any] | None:
        """
        The page after what was sent, or None for a socket that did not ask to catch up. It ends with the last
        broadcast: what is stored beyond that will come as a broadcast.
        """
        if self.since is None:
            return None
        wanted = protocol.History(None, self.since, protocol.PAGE_LIMIT)
        return ledger.history_frame(room, wanted, upto=room.announced)

    def send_page(self, room: Room, frame: dict[str, Any]) -> None:
        self.greet(room)
        self.send(protocol.text(frame))
        if frame["messages"]:
            self.since = frame["messages"][-1]["seq"]

    def greet(self, room: Room) -> None:
        """Accept the socket, with the first frame."""
        if self.greeted:
            return
        self.greeted = True
        sender = self.guest.sender
        welcome = protocol.answer("welcome", room=room.slug, user=sender.name, sender=sender.key, head=room.announced)
        if sender.is_guest:
            welcome["guest"] = sender.guest_token()
        self.send({"accept": True, **protocol.text(welcome)})

    def send(self, content: dict[str, Any]) -> None:
        self.reply_channel.send(content, immediately=True)


def user_group(user_id: int) -> Group:
    """All sockets of a user with an account."""
    return Group("user-%d" % user_id)


def groups_of(room: Room, sender: Sender) -> list[Group]:
    """The groups that a socket in this room is in."""
    return [room.group] if sender.user_id is None else [room.group, user_group(sender.user_id)]


def join_groups(reply_channel: Channel, room: Room, sender: Sender) -> None:
    """Join, or renew the membership."""
    for group in groups_of(room, sender):
        group.add(reply_channel)


def check_session(user_id: int | None, session_key: str) -> None:
    """Raise `logged_out` unless the user and the login that a socket came in with are still good."""
    if user_id is None:
        return
    sessions = import_module(settings.SESSION_ENGINE)
    active = get_user_model().objects.filter(pk=user_id, is_active=True).exists()
    if not active or not sessions.SessionStore().exists(session_key):
        raise ClientError("logged_out")


def check_still_in(guest: Visitor) -> None:
    """
    Raise `logged_out` if the login ended while its socket was entering: then it was not yet in the group that is
    closed on logout.
    """
    check_session(guest.user and guest.user.pk, guest.session_key)


def stay(reply_channel: Channel) -> None:
    """Renew what a living socket has, and tell it the room's head, so that it finds out what it missed."""
    seat = Presence.renew(reply_channel.name)
    if seat is None:
        raise ClientError("not_joined")
    check_session(seat.user_id, seat.session_key)
    join_groups(reply_channel, seat.room, seat.sender)
    reply_channel.send(protocol.text(protocol.answer("head", seq=seat.room.announced)))


def leave(reply_channel: Channel) -> None:
    """Undo `enter`. Harmless for a socket that never entered."""
    seat = Presence.remove(reply_channel.name)
    if seat is None:
        return
    for group in groups_of(seat.room, seat.sender):
        group.discard(reply_channel)
    tell_presence(seat.room)


def presence_frame(room: Room) -> dict[str, Any]:
    """Who is here: how many people, and the names of the first of them."""
    people = room.present().order_by("name").values_list("name", flat=True)
    count = room.present().values("sender").distinct().count()
    return protocol.answer("presence", users=list(people.distinct()[:PRESENCE_LIMIT]), count=count)


def tell_presence(room: Room) -> None:
    """Tell the room who is here, if it is small enough."""
    people = room.people(PRESENCE_LIMIT + 1)
    if len(people) <= PRESENCE_LIMIT:
        users, count = sorted({name for _, name in people}), len({sender for sender, _ in people})
        room.group.send(protocol.text(protocol.answer("presence", users=users, count=count)))


def close_sockets(user_id: int) -> None:
    """
    Close every socket of a user, who is logged out or banned. If the layer can't be reached, that must not keep anyone
    from logging out: the sockets are then closed at their next keepalive.
    """
    error = protocol.error_frame(ClientError("logged_out"))
    try:
        user_group(user_id).send({**protocol.text(error), "close": CLOSE_CODES["logged_out"]}, immediately=True)
    except Exception:
        logger.exception("The sockets of user %d could not be closed now; their next keepalive will do it", user_id)
