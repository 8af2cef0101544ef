"""Keeps the group of all who watch."""

from channels import Group


def ws_add(message):
    """Start to watch, or go on watching."""
    message.reply_channel.send({"accept": True})
    Group("live-chart").add(message.reply_channel)


def ws_disconnect(message):
    """Watch no more."""
    Group("live-chart").discard(message.reply_channel)
