"""
Messages on `chat-messages`, from wherever they come.

    Channel("chat-messages").send({"room": "lobby", "message": "Hello"})

Also read: `sender` and `name` (who it is from; without them, the server), `client_id` (the same one again is the same
message), `reply_channel` (who gets the `ack` or `error`). `{"room", "announce": True}` asks to broadcast what others
have stored.
"""

from channels import Channel
from channels.message import Message

from chatapp import bots, ledger, protocol
from chatapp.exceptions import ClientError
from chatapp.identity import Sender
from chatapp.models import NAME_LENGTH, SENDER_LENGTH, SERVER, ChatMessage, Room, checked_or_new_client_id


def post(message: Message) -> None:
    """Store, acknowledge, broadcast. Raises ClientError, with the message's client_id."""
    try:
        room = Room.named(message.get("room"))
        row = None if message.get("announce") else stored(room, message)
    except ClientError as e:
        raise e.about(message.get("client_id")) from None
    if row is not None and message.reply_channel:
        message.reply_channel.send(protocol.text(protocol.ack_frame(row)))
    if row is None:
        ledger.announce(room)
    elif row.seq > room.announced:
        ledger.announce_stored(room, row)


def stored(room: Room, message: Message) -> ChatMessage:
    """
    The row for this message: a new one, or the one that its `client_id` has already. A message without one takes the id
    that the layer gave it, so that it is stored once even if it is delivered again.
    """
    given = message.get("client_id")
    client_id = checked_or_new_client_id(getattr(message.content, "id", None) if given is None else given)
    row, _ = ledger.store(room, sender_of(message), protocol.checked_message(message.get("message")), client_id)
    return row


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
    for sender, answer in bots.answers(row):
        Channel("chat-messages").send(
            {
                "room": slug,
                "message": answer,
                "sender": sender.key,
                "name": sender.name,
                "client_id": "answer-to-%d" % seq,
            }
        )
