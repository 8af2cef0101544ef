"""
Who is notified of what is said in a room: who is named in it (`@ann`), and who belongs to the room and isn't there.

A broadcast asks a worker for it with one message on `chat-notify` for each room, and only where somebody may care: see
`wanted`. What the worker does for the same messages once more changes nothing.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from typing import Any

from channels import Channel
from django.contrib.auth import get_user_model
from django.db.models.functions import Lower

from chatapp.identity import Sender
from chatapp.models import ChatMessage, Membership, Presence, Room
from chatapp.notifications.models import Notification
from chatapp.notifications.notify import notify

logger = logging.getLogger(__name__)

SOURCE = "chat"
#: Django's user names consist of these; what ends a sentence is tried without.
MENTION = re.compile(r"(?<![\w@.+-])@(\w[\w.@+-]{0,149})")
#: Names looked for in one message.
MENTIONS_LIMIT = 20
#: Characters of a message that a notification quotes.
QUOTE_LIMIT = 120


def object_of(slug: str) -> str:
    """What notifications about a room name as their object."""
    return "room:" + slug


def wanted(room: Room, rows: Sequence[ChatMessage]) -> bool:
    """Whether anybody may have to be notified: of a room of guests, nobody."""
    return room.followed or any(row.sender.startswith("user:") or "@" in row.message for row in rows)


def ask(rows: Sequence[ChatMessage]) -> None:
    """Have a worker notify of messages that are broadcast, with their rooms. If none can, that is logged."""
    by_room: dict[int, list[ChatMessage]] = {}
    for row in rows:
        by_room.setdefault(row.room_id, []).append(row)
    channel = Channel("chat-notify")
    for some in by_room.values():
        room = some[0].room
        if not wanted(room, some):
            continue
        numbers = [row.seq for row in some]
        try:
            channel.send({"room": room.slug, "first": min(numbers), "last": max(numbers)}, immediately=True)
        except channel.channel_layer.ChannelFull:
            logger.warning("chat-notify is full: nobody is notified of %s %s", room.slug, numbers)


def notify_of(slug: str, first: int, last: int) -> None:
    """Notify of these messages of a room."""
    room = Room.objects.filter(slug=slug).first()
    if room is None:
        return
    rows = list(room.messages.filter(seq__gte=first, seq__lte=last).order_by("seq"))
    Membership.join(room, {user_id for row in rows if (user_id := author(row)) is not None})
    named = {user.pk for row in rows for user in notify_mentioned(room, row)}
    notify_absent(room, rows, named)


def author(row: ChatMessage) -> int | None:
    """The user who said it."""
    return Sender(row.sender, row.name).user_id


def notify_mentioned(room: Room, row: ChatMessage) -> list[Any]:
    """Notify those who are named in a message, and return them."""
    users = [user for user in users_named(names_in(row.message)) if user.pk != author(row)]
    for user in users:
        notify(
            user,
            source=SOURCE,
            category="mention",
            action="mentioned",
            object=object_of(room.slug),
            text="%s mentioned you in %s: %s" % (row.name, room, quote(row.message)),
            url="/chat/%s/" % room.slug,
            extra={"room": room.slug, "seq": row.seq, "by": row.name},
            key="message:%d" % row.pk,
        )
    return users


def names_in(text: str) -> list[str]:
    """
    The names that may be meant by @name, in lower case, the first of them.

    >>> names_in("@Ann, ask @bob.")
    ['ann', 'bob.', 'bob']
    """
    names: dict[str, None] = {}
    for name in MENTION.findall(text)[:MENTIONS_LIMIT]:
        names[name.lower()] = None
        names[name.lower().rstrip(".@+-")] = None
    return [name for name in names if name]


def users_named(names: Iterable[str]) -> list[Any]:
    wanted_names = list(names)
    if not wanted_names:
        return []
    users = get_user_model().objects.annotate(lower=Lower("username"))
    return list(users.filter(lower__in=wanted_names, is_active=True))


def notify_absent(room: Room, rows: Sequence[ChatMessage], but: set[int]) -> None:
    """Notify those who belong to the room, but are not there, and were not notified already."""
    here = Presence.in_room(room).exclude(user=None).values("user")
    absent = room.memberships.filter(muted=False, user__is_active=True).exclude(user__in=here).exclude(user__in=but)
    for membership in absent.select_related("user"):
        theirs = [row for row in rows if author(row) != membership.user_id]
        if theirs:
            notify_of_news(room, membership.user, theirs[0].seq, theirs[-1])


def notify_of_news(room: Room, user: Any, first: int, newest: ChatMessage) -> None:
    """There is news in a room: one notification, which counts on as long as it is not read."""
    key = object_of(room.slug)
    known = Notification.objects.filter(user=user, key=key).first()
    if known is not None and known.extra["last"] >= newest.seq:
        return
    if known is not None and known.read is None:
        first = known.extra["first"]
    count = newest.seq - first + 1
    what = "%s: %s" % (newest.name, quote(newest.message)) if count == 1 else "%d new messages" % count
    notify(
        user,
        source=SOURCE,
        category="room",
        action="said",
        object=key,
        text="%s: %s" % (room, what) if count > 1 else "%s (%s)" % (what, room),
        url="/chat/%s/" % room.slug,
        extra={"room": room.slug, "first": first, "last": newest.seq},
        key=key,
        renew=True,
    )


def quote(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= QUOTE_LIMIT else line[: QUOTE_LIMIT - 1] + "…"
