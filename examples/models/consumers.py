"""Sockets only queue what they hear. One consumer saves and broadcasts, whoever it is from."""

from channels import Channel

from examples.models.bots import answer
from examples.models.models import ChatMessage, room_group
from relay.outbox import delivery_id


def ws_add(message, room):
    """Enter the room, or stay there."""
    message.reply_channel.send({"accept": True})
    room_group(room).add(message.reply_channel)


def ws_receive(message, room):
    """Queue what is said: this socket need not wait until it is saved."""
    if "text" in message:
        Channel("chat-messages").send({"room": room, "name": "socket", "message": message["text"]})


def ws_disconnect(message, room):
    """Leave the room."""
    room_group(room).discard(message.reply_channel)


def chat_messages(message):
    """Save what somebody said, send it to the room, and let the bot listen."""
    # If a worker dies, its message comes again, with the id that it had: by that, it is saved once.
    row, _ = ChatMessage.objects.get_or_create(
        delivery=delivery_id(message),
        defaults={"room": message["room"], "name": message["name"], "message": message["message"]},
    )
    room_group(row.room).send({"text": str(row)})
    said = answer(row)
    if said:
        Channel("chat-messages").send({"room": row.room, "name": "bot", "message": said})
