"""Rooms, and the numbered messages in them."""

import logging
import uuid
from collections.abc import Collection
from typing import Any

from channels import Channel, Group
from channels.message import Message
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.utils import timezone

from chatapp import names, protocol
from chatapp.exceptions import ClientError
from relay.outbox import send_on_commit

logger = logging.getLogger(__name__)

#: Who a message is from when nobody is named: a row saved by hand.
SERVER = "server"
#: Characters of a sender's key and name. Django's user names have up to 150.
SENDER_LENGTH, NAME_LENGTH = 80, 150


def new_client_id() -> str:
    return uuid.uuid4().hex


#: What is read of a room where only its numbers matter.
SHORT_ROOM = ("id", "slug", "head", "announced", "followed")
#: What others change in it while somebody edits its title.
NUMBERS = ("head", "announced", "followed")
SELECT_ROOM = "SELECT %s FROM chatapp_room " % ", ".join(SHORT_ROOM)
#: SQL expression for the skeleton of a room's name (`names.skeleton`). Migration 0006 creates an index on it.
LOOK = "replace(replace(replace(lower(slug), '0', 'o'), '1', 'l'), 'm', 'rn')"


def places(rows: int, columns: int = 0) -> str:
    """The placeholders of so many values; or of so many rows of values, for VALUES and IN."""
    row = "(%s)" % ", ".join(["%s"] * columns) if columns else "%s"
    return ", ".join([row] * rows)


def checked_or_new_client_id(given: Any) -> str:
    """The client_id that somebody gave, or a new one for a message that came without. Raises ClientError."""
    return new_client_id() if given is None else protocol.checked_client_id(given)


class Room(models.Model):
    """
    A room, and how far it has got.

    Its row is the lock of everything that must happen in one order in the room: numbering, broadcasting, joining.
    """

    slug = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=120, blank=True)
    #: Number of the newest message.
    head = models.BigIntegerField(default=0, editable=False)
    #: Number of the newest message that was broadcast; less than `head` only while that is being done.
    announced = models.BigIntegerField(default=0, editable=False)
    #: Whether anybody belongs to it, or did: nobody is looked for else.
    followed = models.BooleanField(default=False, editable=False)
    #: Whose quota it counts against: the key of the sender who made it by entering, or `guests`. Empty: it was made by
    #: hand, and stays though nobody says anything in it.
    maker = models.CharField(max_length=SENDER_LENGTH, blank=True, default="", editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]
        indexes = [
            models.Index(fields=["-head", "slug"], name="busiest_rooms"),
            models.Index(fields=["maker", "created"], name="rooms_of_a_maker"),
            # Both hold next to nothing, whatever the number of rooms.
            models.Index(fields=["id"], condition=models.Q(announced__lt=models.F("head")), name="rooms_to_announce"),
            models.Index(fields=["id"], condition=models.Q(head=0, maker__gt=""), name="rooms_without_messages"),
        ]

    def __str__(self) -> str:
        return self.title or self.slug

    def clean(self) -> None:
        """For forms: the slug must be one that group names can be made of, and no other room's in another case."""
        try:
            protocol.checked_room(self.slug)
        except ClientError as e:
            raise ValidationError({"slug": e.text}) from None
        other = self.spelled(self.slug)
        if Room.objects.filter(slug=other).exclude(pk=self.pk).exists():
            raise ValidationError({"slug": "The room %s already exists." % other})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """
        Save, with a slug that can be. An existing room's numbers are saved only where they are named: whoever edits the
        title has read them long ago.
        """
        protocol.checked_room(self.slug)
        if not self._state.adding and kwargs.get("update_fields") is None:
            fields = [field.name for field in self._meta.concrete_fields if not field.primary_key]
            kwargs["update_fields"] = [name for name in fields if name not in NUMBERS]
        super().save(*args, **kwargs)

    @classmethod
    def named(cls, slug: Any) -> "Room":
        """The room of that name. Raises ClientError."""
        room = cls.read("slug = %s", protocol.checked_room(slug))
        if room is None:
            raise ClientError("no_such_room")
        return room

    @staticmethod
    def nearest(slug: str) -> str | None:
        """
        The name of the room that has this valid name; or else of the oldest one whose name differs by case; or else of
        the oldest one whose name looks the same.
        """
        query = "SELECT slug FROM chatapp_room WHERE %s = %%s ORDER BY slug <> %%s, lower(slug) <> %%s, id LIMIT 1"
        with connection.cursor() as cursor:
            cursor.execute(query % LOOK, [names.skeleton(slug), slug, slug.lower()])
            row = cursor.fetchone()
        return row[0] if row else None

    @classmethod
    def spelled(cls, slug: str) -> str:
        """
        How the room of this valid name is spelled: capital and small letters make no other room. A room that does not
        exist yet has small letters. Rooms that are older than this rule keep their names: each is found by its own.
        """
        near = cls.nearest(slug)
        return near if near is not None and near.lower() == slug.lower() else slug.lower()

    @classmethod
    def read(cls, which: str, value: Any) -> "Room | None":
        """
        The room for which that holds, without what is only shown. By a plain statement, in a fraction of the time of a
        queryset: it is read whenever a socket enters.
        """
        with connection.cursor() as cursor:
            cursor.execute(SELECT_ROOM + "WHERE " + which, [value])
            row = cursor.fetchone()
        return cls.from_db(connection.alias, SHORT_ROOM, row) if row else None

    @classmethod
    def all_locked(cls, slugs: Collection[str]) -> "dict[str, Room]":
        """
        The rooms of these valid names, in whatever case, as they are now, and nobody else's until the transaction ends.
        Where rooms are open, those that are missing come into being: who may not make rooms was refused before. Always
        locked in the same order, so that no two wait for each other.
        """
        # Nearly all names have small letters, and nothing is asked about them.
        spelled = {slug: slug if slug == slug.lower() else cls.spelled(slug) for slug in slugs}
        rooms = cls.lock_some(set(spelled.values()))
        if len(rooms) < len(set(spelled.values())):
            spelled = {slug: cls.spelled(slug) for slug in slugs}
            if settings.CHAT_OPEN_ROOMS:
                missing = sorted(set(spelled.values()) - rooms.keys())
                cls.objects.bulk_create([cls(slug=slug, maker=SERVER) for slug in missing], ignore_conflicts=True)
            rooms = cls.lock_some(set(spelled.values()))
        return {slug: rooms[name] for slug, name in spelled.items() if name in rooms}

    @classmethod
    def lock_some(cls, slugs: Collection[str]) -> "dict[str, Room]":
        """Those that there are, without what is only shown. By a plain statement: in half of the time of a queryset."""
        lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
        query = SELECT_ROOM + "WHERE slug IN (%s) ORDER BY id" + lock
        with connection.cursor() as cursor:
            cursor.execute(query % places(len(slugs)), list(slugs))
            found = [cls.from_db(connection.alias, SHORT_ROOM, row) for row in cursor.fetchall()]
        return {room.slug: room for room in found}

    @staticmethod
    def save_heads(rooms: "Collection[Room]") -> None:
        """Write the numbers of rooms that the transaction has locked."""
        given = [value for room in rooms for value in (room.pk, room.head)]
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH given (id, head) AS (VALUES %s) UPDATE chatapp_room SET head = given.head FROM given "
                "WHERE chatapp_room.id = given.id" % places(len(rooms), 2),
                given,
            )

    @staticmethod
    def move_all_on(steps: Collection[tuple[int, int, int]]) -> set[int]:
        """
        Of rooms, by primary key, the first and last number of what is broadcast now: note it where it is what comes
        next. Returns which rooms that are; they are nobody else's until the transaction ends.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH given (id, first, last) AS (VALUES %s) UPDATE chatapp_room SET announced = given.last FROM given "
                "WHERE chatapp_room.id = given.id AND announced = given.first - 1 RETURNING chatapp_room.id"
                % places(len(steps), 3),
                [value for step in steps for value in step],
            )
            return {room_id for (room_id,) in cursor.fetchall()}

    def locked(self) -> "Room":
        """This room as it is now, and nobody else's until the transaction ends."""
        lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
        found = self.read("id = %s" + lock, self.pk)
        if found is None:
            raise Room.DoesNotExist("The room %s is gone" % self.slug)
        return found

    def take_number(self) -> int:
        """
        Count one message more. The room is nobody else's until the transaction ends. One plain statement for what the
        ORM does in two, in a tenth of the time: everyone in the room waits for it.
        """
        with connection.cursor() as cursor:
            cursor.execute("UPDATE chatapp_room SET head = head + 1 WHERE id = %s RETURNING head, announced", [self.pk])
            found = cursor.fetchone()
        if found is None:
            raise Room.DoesNotExist("The room %s is gone" % self.slug)
        self.head, self.announced = found
        return self.head

    @property
    def group(self) -> Group:
        """Everyone in the room. Named by the slug, which is only ever a valid one."""
        return Group("chat-" + protocol.checked_room(self.slug))


class ChatMessage(models.Model):
    """
    A stored message. Saving a new one gives it the room's next number, wherever it is saved: the chat, the admin, a
    shell. It is broadcast when the transaction commits.
    """

    #: The message on a channel that brought it, in the process that has just stored it.
    cause: Message | None = None

    id = models.BigAutoField(primary_key=True)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="messages", db_index=False)
    #: 1, 2, 3 … in the room, without holes, in commit order.
    seq = models.BigIntegerField(editable=False)
    #: `user:<id>`, `guest:<id>`, `bot:<name>`, or `server`.
    sender = models.CharField(max_length=SENDER_LENGTH, default=SERVER)
    #: What the sender was called then.
    name = models.CharField(max_length=NAME_LENGTH, default=SERVER)
    message = models.TextField(max_length=protocol.MESSAGE_LIMIT)
    client_id = models.CharField(max_length=64, default=new_client_id)
    sent = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["room_id", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["room", "seq"], name="one_message_a_number"),
            models.UniqueConstraint(fields=["room", "sender", "client_id"], name="each_message_once"),
        ]
        indexes = [models.Index(fields=["sender", "sent"], name="rate_of_a_sender")]

    def __str__(self) -> str:
        return "%s #%s" % (self.room.slug, self.seq)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding and self.seq is None:
            with transaction.atomic():
                self.save_numbered(self.room)
                self.ask_to_announce()
        else:
            super().save(*args, **kwargs)

    @classmethod
    def some(
        cls, room: Room, since: int | None, before: int | None, upto: int | None, limit: int
    ) -> "list[ChatMessage]":
        """
        Messages of a room, so many at most: those next to `before`, the newest first; or those after `since`, the
        oldest first. None beyond `upto`. Most sockets ask for a page, so by a plain statement.
        """
        query = "SELECT * FROM chatapp_chatmessage WHERE room_id = %s"
        values = [room.pk]
        for condition, value in ((" AND seq < %s", before), (" AND seq > %s", since), (" AND seq <= %s", upto)):
            if value is not None:
                query += condition
                values.append(value)
        query += " ORDER BY seq %s LIMIT %%s" % ("ASC" if before is None else "DESC")
        return list(cls.objects.raw(query, [*values, limit]))

    def save_numbered(self, room: Room) -> None:
        """Save as the next message of `room`, in the caller's transaction."""
        self.seq = room.take_number()
        super().save(force_insert=True)

    @staticmethod
    def insert(rows: "Collection[ChatMessage]") -> None:
        """
        Save new rows that are numbered already, in one statement, and give them their ids. Django's bulk_create gives
        none on SQLite.
        """
        query = "INSERT INTO chatapp_chatmessage (room_id, seq, sender, name, message, client_id, sent) VALUES %s"
        values = []
        for row in rows:
            sent = connection.ops.adapt_datetimefield_value(row.sent)
            values += [row.room_id, row.seq, row.sender, row.name, row.message, row.client_id, sent]
        with connection.cursor() as cursor:
            cursor.execute((query + " RETURNING room_id, seq, id") % places(len(rows), 7), values)
            ids = {(room_id, seq): number for room_id, seq, number in cursor.fetchall()}
        for row in rows:
            row.pk = ids[row.room_id, row.seq]
            row._state.adding = False
            row._state.db = connection.alias

    def ask_to_announce(self) -> None:
        """Have a worker broadcast it, once it is committed. If none can be told, the sweeper finds it."""

        def warn(error: Exception) -> None:
            logger.warning("%s is stored, but no worker could be told (%s); the sweeper broadcasts it", self, error)

        send_on_commit(Channel("chat-messages"), {"room": self.room.slug, "announce": True}, or_else=warn)
