"""How a socket enters a room, catches up, stays, and leaves."""

from typing import Any, NamedTuple

from channels import Channel, Group
from channels.message import Message
from channels.sessions import session_for_reply_channel
from django.db import transaction
from django.http import QueryDict

from chatapp import doors, guests, ledger, logins, metrics, protocol, quotas, tokens
from chatapp.exceptions import ClientError
from chatapp.identity import Login, Sender, user_group, user_sender
from chatapp.models import Presence, Room
from chatapp.notifications import inbox

#: Pages of history that a returning socket is sent by itself; what is older it asks for.
CATCH_UP_PAGES = 50
#: Rooms of up to this many sockets are told who comes and goes. In larger ones that would be most of the traffic.
PRESENCE_LIMIT = 50
#: Seconds for which it is remembered where a socket wants to go that has not said who it is. A keepalive closes it.
WAITING_AGE = 120


class Visitor(NamedTuple):
    """A socket that wants to enter: who, by which login, which room if any, checked, and what it has already."""

    sender: Sender
    login: Login | None
    slug: str | None
    since: int | None


def arrive(message: Message, slug: str | None) -> None:
    """
    Let in the socket of a `websocket.connect` message that `http_session_user` has seen. Without a room, it hears what
    a user's sockets hear. With `?auth` it says who it is in its first frame. Raises ClientError.
    """
    query = query_of(message)
    if slug is not None:
        # Before a database is asked about it: PostgreSQL takes no NUL.
        protocol.checked_room(slug)
    if "auth" in query:
        wait_for_token(message.reply_channel, slug, since(query))
    else:
        let_in(message.reply_channel, Visitor(*logins.caller(message, query, slug), slug, since(query)))


def query_of(message: Message) -> QueryDict:
    return QueryDict(message.get("query_string", b""))


def since(query: QueryDict) -> int | None:
    """The number in `?since=`. Raises ClientError."""
    if "since" not in query:
        return None
    if not (query["since"].isascii() and query["since"].isdigit()):
        raise ClientError("invalid_since")
    return protocol.in_range(int(query["since"][:20]))


def wait_for_token(reply_channel: Channel, slug: str | None, since: int | None) -> None:
    """Accept a socket that is nobody yet, and ask who it is. It is in no room, and hears nothing."""
    session = session_for_reply_channel(reply_channel.name)
    session["wanted"] = [slug, since]
    session.set_expiry(WAITING_AGE)
    session.save(must_create=not session.exists(session.session_key))
    reply_channel.send({"accept": True, **protocol.text(protocol.answer("auth"))})


def waiting(reply_channel: Channel) -> tuple[str | None, int | None] | None:
    """Where a socket wants to go, and what it has, that has not said who it is."""
    wanted = session_for_reply_channel(reply_channel.name).get("wanted")
    return wanted and (wanted[0], wanted[1])


def come_in(reply_channel: Channel, wanted: tuple[str | None, int | None], token: Any) -> None:
    """Let in a socket that waited, as whom its token names. Raises ClientError."""
    user, login = tokens.login_of(token)
    let_in(reply_channel, Visitor(user_sender(user), login, *wanted))
    session_for_reply_channel(reply_channel.name).delete()


def let_in(reply_channel: Channel, guest: Visitor) -> None:
    """
    As `enter`, and tell the room. Raises `logged_out` if the login ended meanwhile: then the socket was not yet in the
    group that is closed on logout.
    """
    if guest.slug is None:
        listen(reply_channel, guest)
        logins.check(guest.login)
        return
    guest = guest._replace(slug=doors.wanted(guest.slug, guest.sender))
    named = guests.settled(guest.sender)
    entered = enter(reply_channel, guest._replace(sender=named))
    logins.check(guest.login)
    tell_presence(entered)
    if named != guest.sender:
        tell_of_name(reply_channel, guest.sender, named)


def listen(reply_channel: Channel, guest: Visitor) -> None:
    """Let in a socket that is in no room: it hears what a user's sockets hear. Raises ClientError for guests."""
    if guest.login is None:
        raise ClientError("guests_not_allowed")
    Presence.note(reply_channel.name, None, guest.sender, guest.login)
    join_groups(reply_channel, None, guest.sender)
    inbox.send_page(reply_channel, guest.login.user_id, accept=True)


def enter(reply_channel: Channel, guest: Visitor) -> Room:
    """
    Let a socket in: greet it, send what it missed, and have it hear what comes.

    The greeting, the last page and the entry into the group happen under the room's lock, and so does every broadcast.
    What was broadcast before is on a page, what comes after reaches the group: no gap, nothing twice, in order.
    """
    room = quotas.room(guest.slug, guest.sender)
    if room.announced < room.head:
        # Left by a worker that died, or by a shell: the newcomer need not wait for the sweeper.
        ledger.announce(room)
        room.refresh_from_db()
    if guest.since is not None:
        metrics.REPAIRS["resumed"].inc()
    catch_up = CatchUp(reply_channel, guest)
    catch_up.send_full_pages(room)
    with transaction.atomic():
        try:
            room = room.locked()
        except Room.DoesNotExist:
            # Nobody had said anything there, and it was swept up. Whoever comes back makes it once more.
            raise ClientError("not_joined") from None
        catch_up.send_last_page(room)
        Presence.note(reply_channel.name, room, guest.sender, guest.login)
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
        self.send({"accept": True, **protocol.text(welcome_frame(room, self.guest.sender))})

    def send(self, content: dict[str, Any]) -> None:
        self.reply_channel.send(content, immediately=True)


def welcome_frame(room: Room, sender: Sender) -> dict[str, Any]:
    """The greeting; a guest gets what makes him the same guest again."""
    welcome = protocol.answer("welcome", room=room.slug, user=sender.name, sender=sender.key, head=room.announced)
    return {**welcome, "guest": sender.guest_token()} if sender.is_guest else welcome


def groups_of(room: Room | None, sender: Sender) -> list[Group]:
    """The groups that a socket in this room, or in none, is in."""
    groups = [] if room is None else [room.group]
    return groups if sender.user_id is None else [*groups, user_group(sender.user_id)]


def join_groups(reply_channel: Channel, room: Room | None, sender: Sender) -> None:
    """Join, or renew the membership."""
    for group in groups_of(room, sender):
        group.add(reply_channel)


def identify(reply_channel: Channel, room: Room | None, sender: Sender, token: Any) -> None:
    """
    A socket that is here has a token: it stays for longer, if it came as the same user; a guest is that user from now
    on, and is welcomed once more. Raises ClientError.
    """
    user, login = tokens.login_of(token)
    named = user_sender(user)
    if not sender.is_guest and sender.key != named.key:
        raise ClientError("wrong_user")
    Presence.note(reply_channel.name, room, named, login)
    logins.check(login)
    if room is None:
        inbox.send_page(reply_channel, user.pk)
    elif sender.is_guest:
        join_groups(reply_channel, room, named)
        reply_channel.send(protocol.text(welcome_frame(room, named)))
        tell_presence(room)
    reply_channel.send(protocol.text(logins.token_frame(login)))


def stay(reply_channel: Channel) -> None:
    """
    Renew what a living socket has, and tell it the room's head, and how many notifications are unread, so that it finds
    out what it missed.
    """
    seat = Presence.renew(reply_channel.name)
    if seat is None:
        raise ClientError("auth_needed" if waiting(reply_channel) else "not_joined")
    logins.check(seat.login)
    logins.ask_for_token(reply_channel, seat.login)
    join_groups(reply_channel, seat.room, seat.sender)
    if seat.room is not None:
        reply_channel.send(protocol.text(protocol.answer("head", seq=seat.room.announced)))
    if seat.login is not None:
        reply_channel.send(protocol.text(protocol.answer("unread", unread=inbox.unread(seat.login.user_id))))


def leave(reply_channel: Channel) -> None:
    """Undo `enter`. Harmless for a socket that never entered."""
    seat = Presence.remove(reply_channel.name)
    if seat is None:
        return
    for group in groups_of(seat.room, seat.sender):
        group.discard(reply_channel)
    if seat.room is not None:
        tell_presence(seat.room)


def presence_frame(room: Room) -> dict[str, Any]:
    """Who is here: how many people, and the names of the first of them."""
    people = Presence.in_room(room).order_by("name", "sender").values_list("sender", "name").distinct()
    count = Presence.in_room(room).values("sender").distinct().count()
    return protocol.presence_frame(people[:PRESENCE_LIMIT], count)


def tell_presence(room: Room) -> None:
    """Tell the room who is here, if it is small enough."""
    people = Presence.people(room, PRESENCE_LIMIT + 1)
    if len(people) <= PRESENCE_LIMIT:
        count = len({sender for sender, _ in people})
        room.group.send(protocol.text(protocol.presence_frame(people, count)))


def rename(reply_channel: Channel, room: Room, sender: Sender, client_id: str | None = None) -> None:
    """Give a guest who is here another name, and tell the room. client_id: that of the command which asked for it."""
    Presence.objects.filter(channel=reply_channel.name).update(name=sender.name)
    frame = protocol.answer("name", client_id, user=sender.name, guest=sender.guest_token())
    reply_channel.send(protocol.text(frame))
    tell_presence(room)


def take_name_away(reply_channel: Channel, slug: str, old: Sender, new: Sender) -> None:
    """A guest who is here has lost its name: the room and the guest are told the new one."""
    room = Room.read("slug = %s", slug)
    if room is not None:
        rename(reply_channel, room, new)
    tell_of_name(reply_channel, old, new)


def tell_of_name(reply_channel: Channel, old: Sender, new: Sender) -> None:
    """Tell a guest why its name has changed."""
    reply_channel.send(protocol.text(protocol.answer("notice", text=guests.notice(old, new))))
