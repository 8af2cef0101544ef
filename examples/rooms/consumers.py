"""The room is found out once, at connect, and remembered."""

import re

from channels import Group
from channels.sessions import channel_session
from django.http import QueryDict

#: Names of groups are made of ASCII letters, digits, hyphens, underscores and dots: not every text will do.
ROOM = re.compile(r"[A-Za-z0-9_-]{1,50}")


@channel_session
def ws_connect(message, room=None):
    """Enter the room of the path, or else of the query string."""
    room = room or QueryDict(message["query_string"]).get("room", "")
    if not ROOM.fullmatch(room):
        # A browser can't read why a handshake was refused. So: accept, say why, close with a code of one's own.
        why = "Which room? Ask for /<room>/ or ?room=<room>: letters, digits, - and _."
        message.reply_channel.send({"accept": True, "text": why, "close": 4404})
        return
    message.channel_session["room"] = room
    message.reply_channel.send({"accept": True})
    Group("room-" + room).add(message.reply_channel)


@channel_session
def ws_keepalive(message):
    """Stay in the room."""
    if "room" in message.channel_session:
        Group("room-" + message.channel_session["room"]).add(message.reply_channel)


@channel_session
def ws_receive(message):
    """Send to all in the room what one of them says."""
    if "room" in message.channel_session and "text" in message:
        Group("room-" + message.channel_session["room"]).send({"text": message["text"]})


@channel_session
def ws_disconnect(message):
    """Leave the room."""
    if "room" in message.channel_session:
        Group("room-" + message.channel_session["room"]).discard(message.reply_channel)
