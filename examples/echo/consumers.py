"""Everybody is in one group, and hears all that is said."""

from channels import Group


def ws_add(message):
    """Put the socket into the group, or renew that."""
    # Lets the handshake through; a socket that is open already takes no notice.
    message.reply_channel.send({"accept": True})
    Group("chat").add(message.reply_channel)


def ws_receive(message):
    """Send to the group what one of them says."""
    # A binary frame has "bytes" instead.
    if "text" in message:
        Group("chat").send({"text": message["text"]})


def ws_disconnect(message):
    """Take the socket out."""
    Group("chat").discard(message.reply_channel)
