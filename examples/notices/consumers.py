"""A socket says its token first, and then whatever it wants to say."""

import json

from channels.sessions import channel_session
from django.contrib.auth import get_user_model
from django.db import transaction

from chatapp import tokens
from chatapp.exceptions import ClientError
from chatapp.identity import user_group, user_sender
from chatapp.models import Presence
from chatapp.notifications import inbox
from chatapp.notifications.notify import notify
from examples.notices.models import Member, Post, session_group
from relay.decorators import linearize
from relay.outbox import delivery_id


def reply(message, **frame):
    """Send a frame to the socket that a message came from."""
    message.reply_channel.send({"text": json.dumps(frame)})


@linearize
@channel_session
def ws_connect(message, session):
    """Let the socket in. It is nobody yet, and in no group."""
    message.channel_session["session"] = session
    message.reply_channel.send({"accept": True})


@channel_session
def ws_keepalive(message, session):
    """Stay in the groups."""
    if "user" in message.channel_session:
        Presence.renew(message.reply_channel.name)
        join(message.reply_channel, session, message.channel_session["user"])


@linearize
@channel_session
def ws_receive(message, session):
    """Take a token, or what somebody says."""
    try:
        frame = json.loads(message["text"])
        if "token" in frame:
            log_in(message, session, frame["token"])
        elif "user" not in message.channel_session:
            reply(message, error="Say your token first.")
        elif "read" in frame:
            inbox.mark_read(message.channel_session["user"])
        else:
            say(message, session, message.channel_session["user"], str(frame["text"])[:1000])
    except ClientError as e:
        reply(message, error=e.text)
    except (KeyError, TypeError, ValueError):
        reply(message, error='Say {"token": "..."}, and then {"text": "..."}.')


@linearize
@channel_session
def ws_disconnect(message, session):
    """Leave the groups. Who is a member stays one."""
    if "user" in message.channel_session:
        Presence.remove(message.reply_channel.name)
        session_group(session).discard(message.reply_channel)
        user_group(message.channel_session["user"]).discard(message.reply_channel)


def log_in(message, session, token):
    """Find out who it is, and tell what there is to know. Raises ClientError."""
    user, login = tokens.login_of(token)
    message.channel_session["user"] = user.pk
    # So that it is known who is here, and may be told at once; others get e-mail, if that is wanted.
    Presence.note(message.reply_channel.name, None, user_sender(user), login)
    Member.objects.get_or_create(session=session, user=user)
    join(message.reply_channel, session, user.pk)
    reply(message, welcome=user.get_username())
    # All that came while nobody was there to hear it.
    inbox.send_page(message.reply_channel, user.pk)


def join(reply_channel, session, user_id):
    """Hear what is said in the session, and what is for this user alone."""
    session_group(session).add(reply_channel)
    user_group(user_id).add(reply_channel)


def say(message, session, user_id, text):
    """Save it, tell the session, and notify its other members: all of it, or nothing."""
    author = get_user_model().objects.get(pk=user_id)
    with transaction.atomic():
        post, _ = Post.objects.get_or_create(
            delivery=delivery_id(message), defaults={"session": session, "author": author, "text": text}
        )
        for member in Member.objects.filter(session=session).exclude(user=author).select_related("user"):
            notify(
                member.user,
                source="notices",
                category="session",
                action="posted",
                object=session,
                text="%s: %s" % (author.get_username(), text),
                extra={"post": post.pk},
                # Once for each post, also if this message comes again.
                key="post:%d" % post.pk,
            )
    session_group(session).send({"text": json.dumps({"said": text, "by": author.get_username()})})
