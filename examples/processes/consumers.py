"""Says which process does the work."""

import os


def ws_connect(message):
    """Let the socket in."""
    message.reply_channel.send({"accept": True, "text": "Worker %d let you in." % os.getpid()})


def ws_receive(message):
    """Answer, whichever worker this is. The reply channel leads to the socket from any of them."""
    message.reply_channel.send({"text": "Worker %d heard: %s" % (os.getpid(), message.get("text"))})
