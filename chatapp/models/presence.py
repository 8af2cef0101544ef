"""Open sockets: who is where."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, models
from django.utils import timezone

from chatapp import clock
from chatapp.identity import Login, Sender
from chatapp.models.rooms import NAME_LENGTH, SENDER_LENGTH, SHORT_ROOM, Room, places


class Seat(NamedTuple):
    """Of an open socket: where, who, and of those with an account the login that must still be there."""

    room: Room | None
    sender: Sender
    login: Login | None


class Presence(models.Model):
    """
    One open socket, in a room or in none. Made when it enters, renewed by `websocket.keepalive`, gone when it leaves.
    """

    channel = models.CharField(max_length=100, unique=True)
    room = models.ForeignKey(Room, null=True, on_delete=models.CASCADE, related_name="presences", db_index=False)
    sender = models.CharField(max_length=SENDER_LENGTH)
    name = models.CharField(max_length=NAME_LENGTH)
    #: Of those with an account: who, by which login (see `identity.Login`), and when that ends if it is a token.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE)
    login = models.CharField(max_length=40, blank=True)
    expires = models.DateTimeField(null=True)
    seen = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["room", "seen"], name="who_is_here"),
            models.Index(fields=["expires"], name="whose_token_ends"),
        ]

    @staticmethod
    def note(channel: str, room: Room | None, sender: Sender, login: Login | None) -> None:
        """A socket is here now. It may be noted already: it is let in once more, or somebody else by a token."""
        values = {
            "channel": channel,
            "room_id": room and room.pk,
            "sender": sender.key,
            "name": sender.name,
            "user_id": login and login.user_id,
            "login": login.key if login else "",
            "expires": connection.ops.adapt_datetimefield_value(login.expires if login else None),
            "seen": connection.ops.adapt_datetimefield_value(clock.now()),
        }
        query = "INSERT INTO chatapp_presence (%s) VALUES (%s) ON CONFLICT (channel) DO UPDATE SET %s"
        changes = ", ".join("%s = excluded.%s" % (name, name) for name in values)
        with connection.cursor() as cursor:
            cursor.execute(query % (", ".join(values), places(len(values)), changes), list(values.values()))

    @classmethod
    def renew(cls, channel: str) -> Seat | None:
        """A socket is still here. Returns what is known of it; None if it has not entered, or has left."""
        now = connection.ops.adapt_datetimefield_value(clock.now())
        return cls.seat("UPDATE chatapp_presence SET seen = %s WHERE channel = %s", now, channel)

    @classmethod
    def remove(cls, channel: str) -> Seat | None:
        """A socket is no longer here. Returns what was known of it."""
        return cls.seat("DELETE FROM chatapp_presence WHERE channel = %s", channel)

    @classmethod
    def seat(cls, change: str, *values: Any) -> Seat | None:
        """Change a row, and read it with its room, in one statement."""
        room = ", ".join("(SELECT %s FROM chatapp_room WHERE id = room_id)" % name for name in SHORT_ROOM)
        with connection.cursor() as cursor:
            cursor.execute(change + " RETURNING sender, name, user_id, login, expires, " + room, values)
            row = cursor.fetchone()
        if row is None:
            return None
        sender, name, user_id, key, expires, *numbers = row
        found = Room.from_db(connection.alias, SHORT_ROOM, numbers) if numbers[0] is not None else None
        login = None if user_id is None else Login(user_id, key, moment(expires))
        return Seat(found, Sender(sender, name), login)

    @classmethod
    def end_expired(cls) -> list[str]:
        """The reply channels of those whose tokens have ended, each told to one caller. Their logins are forgotten."""
        now = connection.ops.adapt_datetimefield_value(clock.now())
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE chatapp_presence SET login = '', expires = NULL WHERE expires <= %s RETURNING channel", [now]
            )
            return [channel for (channel,) in cursor.fetchall()]

    @staticmethod
    def seats(channels: Collection[str]) -> dict[str, tuple[Sender, str]]:
        """
        Who sits at these reply channels, and the slug of the room, or "". Read for each frame, so by a plain
        statement, for many frames at once.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT channel, sender, name, coalesce(slug, '') FROM chatapp_presence LEFT JOIN chatapp_room "
                "ON chatapp_room.id = chatapp_presence.room_id WHERE channel IN (%s)" % places(len(channels)),
                list(channels),
            )
            return {channel: (Sender(key, name), slug) for channel, key, name, slug in cursor.fetchall()}

    @classmethod
    def people(cls, room: Room, limit: int) -> list[tuple[str, str]]:
        """Sender and name of the sockets in a room, so many at most. Asked for whenever one comes or goes."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sender, name FROM chatapp_presence WHERE room_id = %s AND seen > %s LIMIT %s",
                [room.pk, connection.ops.adapt_datetimefield_value(cls.horizon()), limit],
            )
            return cursor.fetchall()

    @classmethod
    def in_room(cls, room: Room) -> "models.QuerySet[Presence]":
        """The sockets that are in a room."""
        return cls.objects.filter(room=room, seen__gt=cls.horizon())

    @classmethod
    def is_here(cls, user_id: int) -> bool:
        """Whether any socket of a user is open."""
        return cls.objects.filter(user_id=user_id, seen__gt=cls.horizon()).exists()

    @staticmethod
    def expiry() -> timedelta:
        """How long an unrenewed socket counts: as long as its group membership."""
        return timedelta(seconds=settings.CHANNEL_LAYERS["default"]["CONFIG"]["group_expiry"])

    @classmethod
    def horizon(cls) -> datetime:
        """A socket that was last seen before this moment counts no more."""
        return clock.now() - cls.expiry()


def moment(value: datetime | None) -> datetime | None:
    """What a plain statement read from a column of moments: SQLite's have no time zone, and are in UTC."""
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value
