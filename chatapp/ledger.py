"""
Saving messages once and in order, broadcasting what was saved, and reading it again.

A message is stored in one transaction, and only then acknowledged and broadcast. The broadcast is a transaction of its
own under the room's lock: it sends everything after `room.announced`, in order, and moves `announced` on. So broadcasts
come in the order of `seq` however many workers there are, and what a worker stored before it died is sent by the next
one who comes by (or by the sweeper). It may then be sent twice; clients leave out a `seq` that they have.
"""

import logging
import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from channels import Channel
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from chatapp import bots, protocol
from chatapp.exceptions import ClientError
from chatapp.identity import Sender
from chatapp.models import ChatMessage, Room

logger = logging.getLogger(__name__)

#: Seconds over which a sender's rate is counted; so as many seconds' worth may come at once.
RATE_WINDOW = 5
#: Seconds after which a sender who is too fast should try again.
RATE_PAUSE = 1.0
#: Messages broadcast under one hold of the room's lock.
ANNOUNCE_LIMIT = 500
#: Bytes that the texts of one history page take. A page is one frame, which has a limit (RELAY_MAX_MESSAGE_BYTES).
PAGE_BYTES = 256 * 1024


class Page(NamedTuple):
    """Messages, oldest first, and whether there are none beyond them."""

    rows: list[ChatMessage]
    complete: bool


def store(room: Room, sender: Sender, message: str, client_id: str) -> tuple[ChatMessage, bool]:
    """
    Store a message as the room's next. Returns it, and whether it is new: a `client_id` that this sender used before
    in the room gives the first message. When this returns outside a transaction, it is committed. Raises ClientError.
    """
    first = said_before(room, sender, client_id)
    if first is None:
        check_rate(sender, client_id)
        row = ChatMessage(room=room, sender=sender.key, name=sender.name, message=message, client_id=client_id)
        try:
            with transaction.atomic():
                row.save_numbered(room)
            return row, True
        except IntegrityError:
            # Somebody else stored it at the same time.
            first = said_before(room, sender, client_id)
            if first is None:
                raise
    return first, False


def said_before(room: Room, sender: Sender, client_id: str) -> ChatMessage | None:
    """The message that this sender said here with this `client_id`, if any."""
    known = "SELECT 1 FROM chatapp_chatmessage WHERE room_id = %s AND sender = %s AND client_id = %s"
    with connection.cursor() as cursor:
        # Nearly always there is none, and that is found in a tenth of the time that a queryset takes.
        cursor.execute(known, [room.pk, sender.key, client_id])
        if cursor.fetchone() is None:
            return None
    return room.messages.get(sender=sender.key, client_id=client_id)


def check_rate(sender: Sender, client_id: str) -> None:
    """Raise `rate_limited` if the sender has stored CHAT_RATE_LIMIT messages a second in the last seconds."""
    if not settings.CHAT_RATE_LIMIT or not sender.is_limited:
        return
    since = timezone.now() - timedelta(seconds=RATE_WINDOW)
    recent = ChatMessage.objects.filter(sender=sender.key, sent__gt=since).count()
    if recent >= math.ceil(settings.CHAT_RATE_LIMIT * RATE_WINDOW):
        raise ClientError("rate_limited", client_id=client_id, retry_after=RATE_PAUSE)


def announce(room: Room) -> None:
    """Broadcast what is stored but was not broadcast yet. For workers only: others can't reach in-memory sockets."""
    while announce_some(room):
        pass


def announce_stored(room: Room, row: ChatMessage) -> None:
    """Broadcast a message that was just stored, and whatever stands before it that was not broadcast yet."""
    with transaction.atomic():
        is_next = room.move_on_to(row.seq)
        if is_next:
            broadcast(room, row)
    if not is_next:
        announce(room)


def announce_some(room: Room) -> bool:
    """Broadcast up to ANNOUNCE_LIMIT messages. Returns whether there may be more."""
    with transaction.atomic():
        room = room.locked()
        if room.announced >= room.head:
            return False
        rows = list(room.messages.filter(seq__gt=room.announced).order_by("seq")[:ANNOUNCE_LIMIT])
        for row in rows:
            broadcast(room, row)
        full = len(rows) == ANNOUNCE_LIMIT
        room.announced = rows[-1].seq if full else room.head
        room.save(update_fields=["announced"])
        return full


def broadcast(room: Room, row: ChatMessage) -> None:
    """Send a message to everyone in the room, and to the bots if they care."""
    room.group.send(protocol.text(protocol.message_frame(room.slug, row)), immediately=True)
    if bots.wanted(row):
        ask_bots(room, row)


def ask_bots(room: Room, row: ChatMessage) -> None:
    """Have a worker show the message to the bots. If they can't keep up, that is logged, and the room goes on."""
    bots_channel = Channel("chat-bots")
    try:
        bots_channel.send({"room": room.slug, "seq": row.seq}, immediately=True)
    except bots_channel.channel_layer.ChannelFull:
        logger.warning("chat-bots is full: no bot sees message %d of room %s", row.seq, room.slug)


def page(room: Room, wanted: protocol.History, upto: int | None = None) -> Page:
    """
    The page of history that a client asked for, or of what is not beyond the number `upto`. `complete`: there is
    nothing beyond the page in that direction.
    """
    if wanted.before is not None:
        rows = room.messages.filter(seq__lt=wanted.before).order_by("-seq")
    else:
        rows = room.messages.filter(seq__gt=wanted.since).order_by("seq")
    if upto is not None:
        rows = rows.filter(seq__lte=upto)
    found = list(rows[: wanted.limit + 1])
    kept = list(fitting(found[: wanted.limit]))
    return Page(sorted(kept, key=lambda row: row.seq), complete=len(kept) == len(found))


def fitting(rows: list[ChatMessage]) -> Iterator[ChatMessage]:
    """As many of the rows as make a page of PAGE_BYTES, one at least."""
    size = 0
    for row in rows:
        size += protocol.size(row.message)
        if size > PAGE_BYTES and row is not rows[0]:
            return
        yield row


def history_frame(room: Room, wanted: protocol.History, upto: int | None = None) -> dict[str, Any]:
    """A page as a frame; it tells which page it is, so that a client can put it in its place."""
    found = page(room, wanted, upto)
    where = {"before": wanted.before} if wanted.before is not None else {"since": wanted.since}
    messages = [protocol.message_frame(room.slug, row) for row in found.rows]
    return protocol.answer("history", messages=messages, complete=found.complete, **where)
