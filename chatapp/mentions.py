"""
Who is notified of what is said in a room: who is named in it (`@ann`), and who belongs to the room and isn't there.

A broadcast asks a worker for it with one message on `chat-notify` for each room, and only where somebody may care: see
`wanted`. What the worker does for the same messages once more changes nothing.
"""

import logging
import re
import threading
import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from channels import Channel
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils import timezone

from chatapp import doors, names, quotas
from chatapp.exceptions import ClientError
from chatapp.identity import Sender, user_sender
from chatapp.models import ChatMessage, Membership, Presence, Room, TakenName
from chatapp.notifications.models import Notification
from chatapp.notifications.notify import notify
from relay.outbox import send_at_once

logger = logging.getLogger(__name__)

SOURCE = "chat"
#: Django's user names consist of these; what ends a sentence is tried without.
MENTION = re.compile(r"(?<![\w@.+-])@(\w[\w.@+-]{0,149})")
#: Names looked for in one message.
MENTIONS_LIMIT = 10
#: Unread mentions of one room that somebody gets at most.
UNREAD_LIMIT = 20
#: The time over which mentions of one person by one sender are counted (CHAT_MENTIONS_PER_SENDER).
MENTIONS_WINDOW = timedelta(hours=1)
#: Seconds between two times that a worker is told of news in one room, by one process.
PAUSE = 5.0
#: Absent members that are notified in one go.
ABSENT_LIMIT = 200
#: Characters of a message that a notification quotes.
QUOTE_LIMIT = 120


def object_of(slug: str) -> str:
    """What notifications about a room name as their object."""
    return "room:" + slug


def wanted(room: Room, rows: Sequence[ChatMessage]) -> bool:
    """Whether anybody may have to be notified: of a room of guests, nobody."""
    return room.followed or any(row.sender.startswith("user:") or names_somebody(row) for row in rows)


def names_somebody(row: ChatMessage) -> bool:
    """Whether a message may name somebody. Asked for each that is broadcast: most have no @."""
    return "@" in row.message and MENTION.search(row.message) is not None


class Later:
    """
    Rooms in which somebody talks just now: a worker is told of what is said there every few seconds, and not of each
    message, which would cost as much as storing it. What a process that dies was still to tell of is told with the
    room's next message, for it is who is absent that counts. Where no sweeper runs, nothing waits.
    """

    def __init__(self) -> None:
        self.runs = False
        self.lock = threading.Lock()
        #: Room → when a worker was last told, on the monotonic clock; and what it is to be told of next.
        self.told: dict[str, float] = {}
        self.waiting: dict[str, dict[str, Any]] = {}

    def take(self, asked: Sequence[dict[str, Any]], at_once: Collection[str]) -> list[dict[str, Any]]:
        """Of what is to be told, what is due now, with what waited in these rooms."""
        with self.lock:
            for message in asked:
                known = self.waiting.get(message["room"], message)
                first, last = min(known["first"], message["first"]), max(known["last"], message["last"])
                self.waiting[message["room"]] = {"room": message["room"], "first": first, "last": last}
            horizon = time.monotonic() - PAUSE
            due = [
                slug
                for slug in self.waiting
                if not self.runs or slug in at_once or self.told.get(slug, horizon) <= horizon
            ]
            self.told = {slug: told for slug, told in self.told.items() if told > horizon}
            self.told.update(dict.fromkeys(due, time.monotonic()))
            return [self.waiting.pop(slug) for slug in due]


later = Later()


def ask(rows: Sequence[ChatMessage]) -> None:
    """Have a worker notify of messages that are broadcast, with their rooms: of mentions at once."""
    by_room: dict[int, list[ChatMessage]] = {}
    for row in rows:
        by_room.setdefault(row.room_id, []).append(row)
    asked = [span(some[0].room, some) for some in by_room.values() if wanted(some[0].room, some)]
    if asked:
        tell(later.take(asked, {row.room.slug for row in rows if names_somebody(row)}))


def ask_for_the_rest() -> None:
    """The sweeper's part: what waited long enough."""
    tell(later.take([], ()))


def tell(messages: Sequence[dict[str, Any]]) -> None:
    """If no worker can be told, that is logged."""
    channel = Channel("chat-notify")
    try:
        send_at_once([(channel, message) for message in messages])
    except channel.channel_layer.ChannelFull:
        logger.warning("chat-notify is full: nobody is notified of some of %s", messages)


def span(room: Room, rows: Sequence[ChatMessage]) -> dict[str, Any]:
    """What the worker is told: from which message of a room to which."""
    numbers = [row.seq for row in rows]
    return {"room": room.slug, "first": min(numbers), "last": max(numbers)}


def notify_of(slug: str, first: int, last: int, after: int = 0) -> None:
    """Notify of these messages of a room. after: of those who are absent, the members up to this one know."""
    room = Room.objects.filter(slug=slug).first()
    if room is None:
        return
    rows = list(room.messages.filter(seq__gte=first, seq__lte=last).order_by("seq"))
    if not after:
        Membership.join(room, {user_id for row in rows if (user_id := author(row)) is not None})
        for row in rows:
            notify_mentioned(room, row)
    notify_absent(room, rows, after)


def author(row: ChatMessage) -> int | None:
    """The user who said it."""
    return Sender(row.sender, row.name).user_id


def may_enter(room: Room, user: Any) -> bool:
    """Whether a user gets into a room: nobody is told what is said where he has no entry."""
    try:
        return doors.room_for(room.slug, user_sender(user)) == room.slug
    except ClientError:
        return False


def notify_mentioned(room: Room, row: ChatMessage) -> None:
    """
    Notify those who are named in a message. A guest, who may be anybody a hundred times, can name only those who belong
    to the room or are there. Whoever has many unread mentions of a room gets no more.
    """
    key = "message:%d" % row.pk
    # A guest can be as many guests as he likes.
    by = quotas.GUESTS if Sender(row.sender, row.name).is_guest else row.sender
    users = [user for user in users_named(names_in(row.message)) if user.pk != author(row) and may_enter(room, user)]
    if users and Sender(row.sender, row.name).is_guest:
        known = Q(membership__room=room) | Q(presence__room=room, presence__seen__gt=Presence.horizon())
        users = list(get_user_model().objects.filter(known, pk__in=[user.pk for user in users]).distinct())
    about = object_of(room.slug)
    for user in users:
        unread = Notification.objects.filter(user=user, object=about, category="mention", read=None)
        if unread.count() >= UNREAD_LIMIT:
            continue
        is_much = causes_much(user, by, key)
        notify(
            user,
            source=SOURCE,
            category="mention",
            action="mentioned",
            object=about,
            text="%s mentioned you in %s: %s" % (called(row), room, quote(row.message)),
            url="/chat/%s/" % room.slug,
            extra={"room": room.slug, "seq": row.seq, "by": row.name},
            key="mentions-by:" + by if is_much else key,
            renew=is_much,
            by=by,
        )


def causes_much(user: Any, sender: str, key: str) -> bool:
    """
    Whether a sender has mentioned a user so often within an hour, in whatever rooms, that this mention, if it is new,
    is no notification of its own: then one that stands for all of these comes anew.
    """
    limit = settings.CHAT_MENTIONS_PER_SENDER
    own = Notification.objects.filter(user=user, by=sender, created__gt=timezone.now() - MENTIONS_WINDOW)
    if not limit or own.count() < limit:
        return False
    return not Notification.objects.filter(user=user, source=SOURCE, key=key).exists()


def names_in(text: str) -> list[str]:
    """
    The names that may be meant by @name, of the first of them.

    >>> names_in("@Ann, ask @bob.")
    ['Ann', 'bob.', 'bob']
    """
    found: dict[str, None] = {}
    for name in MENTION.findall(text)[:MENTIONS_LIMIT]:
        for form in (name, name.rstrip(".@+-")):
            found[form] = None
    return list(found)


def users_named(wanted: Sequence[str]) -> list[Any]:
    """The active users of these names, in whatever spelling (`names.skeleton`); all whom an old database has."""
    if not wanted:
        return []
    skeletons = {names.skeleton(name) for name in wanted}
    alike = TakenName.objects.filter(look__in=skeletons).values("user")
    users = get_user_model().objects.filter(Q(pk__in=alike) | Q(username__in=wanted), is_active=True)
    return [user for user in users if names.skeleton(user.get_username()) in skeletons]


def notify_absent(room: Room, rows: Sequence[ChatMessage], after: int) -> None:
    """
    Notify those who belong to the room, but are not there: once, until they have read it. So each message costs one
    query, however many they are; of very many, some at a time are notified.
    """
    about = object_of(room.slug)
    here = Presence.in_room(room).exclude(user=None).values("user")
    know = Notification.objects.filter(object=about, read=None).values("user")
    absent = room.memberships.filter(pk__gt=after, muted=False, user__is_active=True)
    absent = absent.exclude(user__in=here).exclude(user__in=know).select_related("user").order_by("pk")
    found = list(absent[:ABSENT_LIMIT])
    for membership in found:
        theirs = [row for row in rows if author(row) != membership.user_id]
        if theirs and may_enter(room, membership.user):
            notify_of_news(room, membership.user, theirs[0])
    if len(found) == ABSENT_LIMIT:
        Channel("chat-notify").send({**span(room, rows), "after": found[-1].pk})


def notify_of_news(room: Room, user: Any, row: ChatMessage) -> None:
    """There is news in a room for somebody who belongs to it."""
    about = object_of(room.slug)
    notify(
        user,
        source=SOURCE,
        category="room",
        action="said",
        object=about,
        text="%s: %s (%s)" % (called(row), quote(row.message), room),
        url="/chat/%s/" % room.slug,
        extra={"room": room.slug, "seq": row.seq, "by": row.name},
        key=about,
        renew=True,
    )


def called(row: ChatMessage) -> str:
    """What the sender of a message is called where nothing but the name is shown."""
    return row.name + " (guest)" if Sender(row.sender, row.name).is_guest else row.name


def quote(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= QUOTE_LIMIT else line[: QUOTE_LIMIT - 1] + "…"
