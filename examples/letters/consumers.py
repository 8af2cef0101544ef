"""Who you are decides whom you talk to."""

from channels import Group
from channels.auth import channel_session_user, http_session_user, transfer_user
from channels.sessions import channel_session


def group_of(user):
    """The group of all whose name begins with the same letter."""
    # By its number: a name may begin with a letter that the name of a group may not have, such as é.
    return Group("letter-%d" % ord(user.username[0].lower()[0]))


# channels.auth.channel_session_user_from_http does all of this in one.
@http_session_user
@channel_session
def ws_connect(message):
    """Let those in who are logged in."""
    if not message.user.is_authenticated:
        message.reply_channel.send({"accept": True, "text": "Log in first.", "close": 4401})
        return
    transfer_user(message.http_session, message.channel_session)
    message.reply_channel.send({"accept": True, "text": "Welcome, %s." % message.user.username})
    group_of(message.user).add(message.reply_channel)


@channel_session_user
def ws_keepalive(message):
    """Stay in the group."""
    if message.user.is_authenticated:
        group_of(message.user).add(message.reply_channel)


@channel_session_user
def ws_receive(message):
    """Send to the group what one of them says."""
    if message.user.is_authenticated and "text" in message:
        text = "%s: %s" % (message.user.username, message["text"])
        group_of(message.user).send({"text": text})


@channel_session_user
def ws_disconnect(message):
    """Leave the group."""
    if message.user.is_authenticated:
        group_of(message.user).discard(message.reply_channel)
