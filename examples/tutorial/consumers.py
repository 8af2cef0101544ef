"""Frames are JSON: {"message": "..."} in, and the same out, to everybody in the room."""

import json

from channels import Group


def ws_add(message, room):
    """Enter the room, or stay there."""
    message.reply_channel.send({"accept": True})
    Group("chat-" + room).add(message.reply_channel)


def ws_receive(message, room):
    """Send what is said to the room. To what is none, answer what is wrong: silence would help nobody."""
    try:
        text = json.loads(message.get("text", ""))["message"]
    except (ValueError, KeyError, TypeError):
        text = None
    if isinstance(text, str):
        Group("chat-" + room).send({"text": json.dumps({"message": text})})
    else:
        error = 'Not sent: a frame must be JSON, {"message": "some text"}'
        message.reply_channel.send({"text": json.dumps({"error": error})})


def ws_disconnect(message, room):
    """Leave the room."""
    Group("chat-" + room).discard(message.reply_channel)
