"""Greets, remembers names, and passes on what is said."""

import hashlib

from channels import Group
from channels.sessions import channel_session

from relay.decorators import linearize


def group_of(room):
    """
    The group of a room, for any text as the room's name.

    A group's name has at most a hundred characters, of ASCII letters, digits, hyphens, underscores and dots. A digest
    is always that, and two rooms have two.
    """
    return Group("explained-" + hashlib.sha256(room.encode()).hexdigest())


def ws_connect(message, room):
    """Greet who comes."""
    message.reply_channel.send({"accept": True, "text": "[Welcome Anonymous!]"})
    group_of(room).add(message.reply_channel)


def ws_keepalive(message, room):
    """Stay in the room."""
    group_of(room).add(message.reply_channel)


# So that a name holds from the next message on, also if another worker has that.
@linearize
@channel_session
def ws_receive(message, room):
    """Take a name, or pass on what is said."""
    text = message.get("text", "")
    if text.startswith("/name "):
        name = text[len("/name ") :].strip()[:50] or "Anonymous"
        message.channel_session["name"] = name
        message.reply_channel.send({"text": "[You are %s now.]" % name})
    elif text:
        name = message.channel_session.get("name", "Anonymous")
        group_of(room).send({"text": "%s: %s" % (name, text)})


def ws_disconnect(message, room):
    """Leave the room."""
    group_of(room).discard(message.reply_channel)
