"""
How many rooms somebody may bring into being, and which of them go again.

What anybody can make has an owner, and each owner a quota. For rooms that is whoever enters one that does not exist:
an account has CHAT_ROOMS_PER_USER a day, all guests together have CHAT_GUEST_ROOMS, since a guest can be as many
guests as he likes. The server's own side, as bots and `Channel("chat-messages").send`, is trusted and has no limit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min

from chatapp import clock, doors, metrics, names, protocol, throttle
from chatapp.exceptions import ClientError
from chatapp.identity import Sender
from chatapp.models import SERVER, Room, Tries, places

#: The time over which rooms are counted.
DAY = timedelta(days=1)
#: The owner of all rooms that guests have created.
GUESTS = "guests"
#: How long a room is kept that nobody is in and nobody has written to.
EMPTY_FOR = timedelta(hours=1)
#: Rooms that are looked at, and swept up, in one go.
EMPTY_BATCH = 500


def room(name: str | None, sender: Sender) -> Room:
    """
    The room of that name, in whatever case, for somebody who enters or speaks. Where rooms are open, it comes into
    being. Raises ClientError.
    """
    slug = protocol.checked_room(name)
    room = Room.read("slug = %s", slug)
    if room is None:
        slug = Room.spelled(slug)
        room = Room.read("slug = %s", slug) or make_room(slug, sender)
    return room


def may_make(slug: str, sender: Sender) -> bool:
    """Whether this sender may create this room, as far as the quota allows."""
    is_allowed = slug == doors.LOBBY or not sender.is_guest or settings.CHAT_GUEST_ROOMS > 0
    return settings.CHAT_OPEN_ROOMS and is_allowed


def make_room(slug: str, sender: Sender) -> Room:
    """Create a room for this sender. Raises ClientError."""
    if slug == doors.CANARY:
        return Room.objects.get_or_create(slug=slug)[0]
    if not settings.CHAT_OPEN_ROOMS:
        raise ClientError("no_such_room")
    if not may_make(slug, sender):
        raise ClientError("room_needs_account")
    if not sender.is_limited or slug == doors.LOBBY or slug.startswith(doors.PREFIX):
        # The server's own, or picked by it, or everybody's.
        return Room.objects.get_or_create(slug=slug, defaults={"maker": SERVER})[0]
    maker = GUESTS if sender.is_guest else sender.key
    with one_at_a_time("name", names.skeleton(slug)), one_at_a_time("rooms", maker):
        if doors.is_imitation(slug):
            raise ClientError("room_name_taken")
        check_quota(maker, settings.CHAT_GUEST_ROOMS if sender.is_guest else settings.CHAT_ROOMS_PER_USER)
        return Room.objects.get_or_create(slug=slug, defaults={"maker": maker})[0]


def check_quota(maker: str, limit: int) -> None:
    """Raise ClientError if a maker has already created as many rooms within a day as the limit allows."""
    now = clock.now()
    made = Room.objects.filter(maker=maker, created__gt=now - DAY)
    if limit and made.count() >= limit:
        first = made.aggregate(first=Min("created"))["first"]
        raise ClientError("too_many_rooms", retry_after=max(1.0, (first + DAY - now).total_seconds()))


@contextmanager
def one_at_a_time(*what: str) -> Iterator[None]:
    """A transaction that holds the lock of this name: what is counted in it stays right until it is committed."""
    key = throttle.key("quota", *what)
    with transaction.atomic():
        # A row may be forgotten between the two.
        while not list(Tries.objects.select_for_update().filter(key=key)):
            Tries.objects.bulk_create([Tries(key=key)], ignore_conflicts=True)
        yield


def forget_empty_rooms() -> None:
    """Delete rooms that were created by entering them, and that nobody is in, has written to, or belongs to."""
    after = 0
    while True:
        found = empty_rooms(after)
        if found:
            metrics.REPAIRS["emptied"].inc(delete_if_empty(found))
        if len(found) < EMPTY_BATCH:
            return
        after = found[-1]


def empty_rooms(after: int) -> list[int]:
    """Some rooms without messages that are old enough, by primary key. The conditions are those of their index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM chatapp_room WHERE head = 0 AND maker > '' AND id > %s AND created < %s "
            "ORDER BY id LIMIT %s",
            [after, connection.ops.adapt_datetimefield_value(clock.now() - EMPTY_FOR), EMPTY_BATCH],
        )
        return [pk for (pk,) in cursor.fetchall()]


def delete_if_empty(ids: list[int]) -> int:
    """Delete those in which still nothing is. Whoever is just entering one of them comes back. Returns how many."""
    lock = " FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update else ""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM chatapp_room WHERE id IN (%s)%s" % (places(len(ids)), lock), ids)
        free = [pk for (pk,) in cursor.fetchall()]
        if not free:
            return 0
        # A statement of its own: it sees what was committed before the locks were taken.
        cursor.execute(
            "DELETE FROM chatapp_room WHERE id IN (%s) AND head = 0 "
            "AND NOT EXISTS (SELECT 1 FROM chatapp_presence WHERE room_id = chatapp_room.id) "
            "AND NOT EXISTS (SELECT 1 FROM chatapp_membership WHERE room_id = chatapp_room.id)" % places(len(free)),
            free,
        )
        return cursor.rowcount
