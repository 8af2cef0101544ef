"""
Saving messages once and in order, broadcasting what was saved, and reading it again.

A message is stored in one transaction, and only then acknowledged and broadcast. The broadcast is a transaction of its
own under the room's lock: it sends everything after `room.announced`, in order, and moves `announced` on. So broadcasts
come in the order of `seq` however many workers there are, and what a worker stored before it died is sent by the next
one who comes by (or by the sweeper). It may then be sent twice; clients leave out a `seq` that they have.
"""

import logging
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from channels import Channel
from channels.message import Message
from django.conf import settings
from django.db import DataError, connection, transaction

from chatapp import bots, clock, mentions, metrics, protocol, quotas
from chatapp.decorators import refusal
from chatapp.exceptions import ClientError
from chatapp.identity import Sender
from chatapp.models import ChatMessage, Room, places
from relay.outbox import handling, send_at_once, traced

logger = logging.getLogger(__name__)
#: The way of a message through the processes; see docs/metrics.md.
steps = logging.getLogger("relay.trace")

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


class Draft(NamedTuple):
    """What is to be stored as a message: everything in it is checked."""

    slug: str
    sender: Sender
    message: str
    client_id: str
    #: What brought it.
    cause: Message | None = None


class Outcome(NamedTuple):
    """What became of a draft: a row, which may be an older one with the same `client_id`; or what was wrong."""

    row: ChatMessage | None
    is_new: bool = False
    error: ClientError | None = None


def store(room: Room, sender: Sender, message: str, client_id: str) -> tuple[ChatMessage, bool]:
    """
    Store a message as the room's next. Returns it, and whether it is new: a `client_id` that this sender used before
    in the room gives the first message. When this returns outside a transaction, it is committed. Raises ClientError.
    """
    (outcome,) = store_all([Draft(room.slug, sender, message, client_id)])
    if outcome.row is None:
        assert outcome.error is not None
        raise outcome.error
    return outcome.row, outcome.is_new


def store_and_announce(slug: str, sender: Sender, message: str, client_id: str) -> tuple[ChatMessage, bool]:
    """As `store`, in the room of this name; and have it broadcast, in the same transaction where the layer can."""
    with transaction.atomic():
        row, is_new = store(quotas.room(slug, sender), sender, message, client_id)
        if is_new:
            row.ask_to_announce()
    return row, is_new


def store_all(drafts: Sequence[Draft]) -> list[Outcome]:
    """
    Store messages, each as its room's next, in one transaction. What is wrong with one is its outcome, and harms no
    other. When this returns outside a transaction, all is committed.
    """
    outcomes = store_storable(drafts)
    metrics.count_stored(outcomes)
    return outcomes


def store_storable(drafts: Sequence[Draft]) -> list[Outcome]:
    """As `store_all`; where the database refuses a text, each half of them in a transaction of its own."""
    try:
        return store_together(drafts)
    except DataError as e:
        if len(drafts) == 1:
            return [Outcome(None, error=refusal(e).about(drafts[0].client_id))]
    middle = len(drafts) // 2
    return [*store_storable(drafts[:middle]), *store_storable(drafts[middle:])]


def store_together(drafts: Sequence[Draft]) -> list[Outcome]:
    """In one transaction. Raises DataError, and stores nothing, if the database refuses one of the texts."""
    made = [row_of(draft) for draft in drafts]
    with transaction.atomic():
        rooms = Room.all_locked({draft.slug for draft in drafts})
        known = said_before(rooms, drafts)
        allowance = Allowance(drafts)
        outcomes = [
            take_in(draft, row, rooms.get(draft.slug), known, allowance)
            for draft, row in zip(drafts, made, strict=True)
        ]
        rows = [row for row, is_new, _ in outcomes if row is not None and is_new]
        if rows:
            ChatMessage.insert(rows)
            Room.save_heads({row.room.pk: row.room for row in rows}.values())
    return outcomes


#: What makes a message the same one: room, sender, client_id.
Key = tuple[int, str, str]


def row_of(draft: Draft) -> ChatMessage:
    """The row that a draft may become. Made before anything is locked: others wait for that."""
    sender, name = draft.sender
    row = ChatMessage(sender=sender, name=name, message=draft.message, client_id=draft.client_id, sent=clock.now())
    row.cause = draft.cause
    return row


def take_in(
    draft: Draft, row: ChatMessage, room: Room | None, known: dict[Key, ChatMessage], allowance: "Allowance"
) -> Outcome:
    """Number a draft's row as the next of its room, which is locked, unless it is known or can't be. Not saved yet."""
    if room is None:
        return Outcome(None, error=ClientError("no_such_room", client_id=draft.client_id))
    key = (room.pk, draft.sender.key, draft.client_id)
    if key in known:
        return Outcome(known[key])
    if not allowance.has_room_for(draft.sender):
        return Outcome(None, error=ClientError("rate_limited", client_id=draft.client_id, retry_after=RATE_PAUSE))
    room.head += 1
    row.room, row.seq = room, room.head
    known[key] = row
    return Outcome(row, is_new=True)


def said_before(rooms: dict[str, Room], drafts: Sequence[Draft]) -> dict[Key, ChatMessage]:
    """The messages that are stored already under what the drafts call themselves."""
    keys = [(rooms[draft.slug].pk, draft.sender.key, draft.client_id) for draft in drafts if draft.slug in rooms]
    if not keys:
        return {}
    # Nearly always there is none, and that is found in a tenth of the time that a queryset takes.
    query = "SELECT id FROM chatapp_chatmessage WHERE (room_id, sender, client_id) IN (VALUES %s)"
    with connection.cursor() as cursor:
        cursor.execute(query % places(len(keys), 3), [value for key in keys for value in key])
        ids = [row_id for (row_id,) in cursor.fetchall()]
    if not ids:
        return {}
    by_pk = {room.pk: room for room in rooms.values()}
    found = {}
    for row in ChatMessage.objects.filter(pk__in=ids):
        row.room = by_pk[row.room_id]
        found[row.room_id, row.sender, row.client_id] = row
    return found


class Allowance:
    """How many messages senders may still store now, by CHAT_RATE_LIMIT and what they stored in the last seconds."""

    def __init__(self, drafts: Sequence[Draft]):
        self.limit = math.ceil(settings.CHAT_RATE_LIMIT * RATE_WINDOW)
        self.recent: Counter[str] = Counter()
        senders = sorted({draft.sender.key for draft in drafts if draft.sender.is_limited})
        if not senders or not self.limit:
            return
        since = connection.ops.adapt_datetimefield_value(clock.now() - timedelta(seconds=RATE_WINDOW))
        query = "SELECT sender, count(*) FROM chatapp_chatmessage WHERE sender IN (%s) AND sent > %%s GROUP BY sender"
        with connection.cursor() as cursor:
            cursor.execute(query % places(len(senders)), [*senders, since])
            self.recent.update(dict(cursor.fetchall()))

    def has_room_for(self, sender: Sender) -> bool:
        """Whether one more is allowed; then it is counted."""
        if self.limit and sender.is_limited and self.recent[sender.key] >= self.limit:
            return False
        self.recent[sender.key] += 1
        return True


def announce(room: Room) -> int:
    """
    Broadcast what is stored but was not broadcast yet. For workers only: others can't reach in-memory sockets. Returns
    how many messages that were.
    """
    total = some = announce_some(room)
    while some == ANNOUNCE_LIMIT:
        some = announce_some(room)
        total += some
    return total


def announce_stored(rows: Iterable[ChatMessage]) -> None:
    """
    Broadcast messages that were just stored, in the order of their numbers in each room, and whatever stands before
    them that was not broadcast yet.

    Several rooms are locked at a time, in no order: nobody else locks several for this, but who has them as lanes.
    """
    by_room: dict[int, dict[int, ChatMessage]] = {}
    for row in rows:
        by_room.setdefault(row.room_id, {})[row.seq] = row
    if not by_room:
        return
    steps = [(pk, min(some), max(some)) for pk, some in by_room.items() if max(some) - min(some) < len(some)]
    with transaction.atomic():
        moved_on = Room.move_all_on(steps) if steps else set()
        broadcast([by_room[pk][seq] for pk in moved_on for seq in sorted(by_room[pk])])
    for pk, some in by_room.items():
        if pk not in moved_on:
            announce(next(iter(some.values())).room)


def announce_some(room: Room) -> int:
    """Broadcast up to ANNOUNCE_LIMIT messages. Returns how many there were."""
    with transaction.atomic():
        room = room.locked()
        if room.announced >= room.head:
            return 0
        rows = list(room.messages.filter(seq__gt=room.announced).order_by("seq")[:ANNOUNCE_LIMIT])
        for row in rows:
            row.room = room
        broadcast(rows)
        full = len(rows) == ANNOUNCE_LIMIT
        room.announced = rows[-1].seq if full else room.head
        room.save(update_fields=["announced"])
        return len(rows)


def broadcast(rows: Sequence[ChatMessage]) -> None:
    """Send messages, with their rooms, to everyone there, to the bots if they care, and to who notifies others."""
    send_at_once((row.room.group, traced(frame_of(row), row.cause)) for row in rows)
    if steps.isEnabledFor(logging.DEBUG):
        for row in rows:
            note_broadcast(row)
    metrics.BROADCASTS.inc(len(rows))
    for row in rows:
        if bots.wanted(row):
            ask_bots(row)
    mentions.ask(rows)


def frame_of(row: ChatMessage) -> dict[str, Any]:
    return protocol.text(protocol.message_frame(row.room.slug, row))


def note_broadcast(row: ChatMessage) -> None:
    if row.cause is not None:
        with handling(row.cause):
            steps.debug("Broadcast as message %d of room %s", row.seq, row.room.slug)


def ask_bots(row: ChatMessage) -> None:
    """Have a worker show the message to the bots. If they can't keep up, that is logged, and the room goes on."""
    bots_channel = Channel("chat-bots")
    try:
        bots_channel.send(traced({"room": row.room.slug, "seq": row.seq}, row.cause), immediately=True)
    except bots_channel.channel_layer.ChannelFull:
        logger.warning("chat-bots is full: no bot sees message %d of room %s", row.seq, row.room.slug)


def page(room: Room, wanted: protocol.History, upto: int | None = None) -> Page:
    """
    The page of history that a client asked for, or of what is not beyond the number `upto`. `complete`: there is
    nothing beyond the page in that direction.
    """
    found = ChatMessage.some(room, wanted.since, wanted.before, upto, wanted.limit + 1)
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
