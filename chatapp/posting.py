"""
Messages on `chat-messages`, from wherever they come.

    Channel("chat-messages").send({"room": "lobby", "message": "Hello"})

Also read: `sender` and `name` (who it is from; without them, the server), `client_id` (the same one again is the same
message), `reply_channel` (who gets the `ack` or `error`). `{"room", "announce": True}` asks to broadcast what others
have stored.
"""

import logging
from collections.abc import Sequence

from channels import Channel
from channels.message import Message

from chatapp import bots, ledger, protocol
from chatapp.decorators import answer
from chatapp.exceptions import ClientError
from chatapp.identity import Sender
from chatapp.models import NAME_LENGTH, SENDER_LENGTH, SERVER, ChatMessage, Room, checked_or_new_client_id
from relay.outbox import delivery_id, handling

#: The way of a message through the processes; see docs/metrics.md.
steps = logging.getLogger("relay.trace")


def post(messages: Sequence[Message]) -> None:
    """Store them in one transaction; then broadcast and acknowledge each. What is wrong with one is its own answer."""
    drafts, senders = [], []
    for message in messages:
        with handling(message):
            try:
                if message.get("announce"):
                    ledger.announce(Room.named(message.get("room")))
                else:
                    drafts.append(draft_of(message))
                    senders.append(message)
            except ClientError as e:
                answer(message, e.about(message.get("client_id")))
    outcomes = ledger.store_all(drafts) if drafts else []
    note_stored(senders, outcomes)
    # A repeat may be what a worker stored that died before it was broadcast.
    ledger.announce_stored([row for row, is_new, _ in outcomes if row and (is_new or row.seq > row.room.announced)])
    for message, outcome in zip(senders, outcomes, strict=True):
        with handling(message):
            tell(message, outcome)


def tell(message: Message, outcome: ledger.Outcome) -> None:
    """Tell the sender what became of a message."""
    if outcome.error is not None:
        answer(message, outcome.error)
    elif message.reply_channel:
        message.reply_channel.send(protocol.text(protocol.ack_frame(outcome.row)))


def note_stored(messages: Sequence[Message], outcomes: Sequence[ledger.Outcome]) -> None:
    """Log the step, if that is wanted."""
    if steps.isEnabledFor(logging.DEBUG):
        for message, (row, is_new, _) in zip(messages, outcomes, strict=True):
            if row is not None:
                with handling(message):
                    what = "Stored" if is_new else "Stored before"
                    steps.debug("%s as message %d of room %s", what, row.seq, row.room.slug)


def draft_of(message: Message) -> ledger.Draft:
    """
    What the message says. One without a `client_id` takes the id that the layer gave it, so that it is stored once even
    if it is delivered again. Raises ClientError.
    """
    slug = protocol.checked_room(message.get("room"))
    given = message.get("client_id")
    client_id = checked_or_new_client_id(delivery_id(message) if given is None else given)
    return ledger.Draft(slug, sender_of(message), protocol.checked_message(message.get("message")), client_id, message)


def sender_of(message: Message) -> Sender:
    """Who the message says it is from, as far as the columns reach."""
    key = message.get("sender") or SERVER
    name = message.get("name") or key
    return Sender(protocol.checked_text(str(key))[:SENDER_LENGTH], protocol.checked_text(str(name))[:NAME_LENGTH])


def let_bots_answer(slug: str, seq: int) -> None:
    """Put what the bots say to a stored message on `chat-messages`; each says the same thing only once."""
    row = ChatMessage.objects.select_related("room").filter(room__slug=slug, seq=seq).first()
    if row is None:
        return
    for sender, text in bots.answers(row):
        Channel("chat-messages").send(
            {
                "room": slug,
                "message": text,
                "sender": sender.key,
                "name": sender.name,
                "client_id": "answer-to-%d" % seq,
            }
        )
