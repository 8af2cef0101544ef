"""Counts what a socket says, slowly, and tells who did it from when to when."""

import os
import time

from channels.sessions import channel_session

from relay.decorators import linearize

#: Seconds that a message takes here, as if there were real work to do.
WORK = 0.1


# linearize comes first: the session must be read when the turn has come, not before.
@linearize
@channel_session
def ws_connect(message):
    """Open the socket at once, and then prepare what receive needs."""
    # Not when this is through, as usual: so the client may talk while this still works.
    message.reply_channel.send({"accept": True}, immediately=True)
    opened = time.time()
    time.sleep(WORK)
    message.channel_session["opened"] = opened
    message.channel_session["count"] = 0
    tell(message, "connect", opened, opened)


@linearize
@channel_session
def ws_receive(message):
    """Read a number, work, write the number: two at the same time would count one message only."""
    began = time.time()
    count = message.channel_session["count"] + 1
    time.sleep(WORK)
    message.channel_session["count"] = count
    tell(message, "receive %d" % count, message.channel_session["opened"], began)


@channel_session
def ws_keepalive(message):
    """Not linearized: it need not wait for what else the socket has to do."""
    opened = message.channel_session.get("opened")
    if opened is not None:
        tell(message, "keepalive", opened, time.time())


@channel_session
def ws_disconnect(message):
    """Forget the socket. Not linearized: whatever of it still runs may end as it likes."""
    message.channel_session.flush()


def tell(message, what, opened, began):
    """Send what was done, from when to when, and by which worker."""
    times = (began - opened, time.time() - opened)
    text = "%s: from %.3f to %.3f s, in worker %d" % (what, *times, os.getpid())
    message.reply_channel.send({"text": text})
