"""What let a socket in, whether it still holds, and how sockets are closed when it does not."""

import logging
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from channels import Channel, Group
from channels.message import Message
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, get_user_model
from django.http import QueryDict
from django.http.cookie import parse_cookie
from django.utils.crypto import constant_time_compare

from chatapp import clock, metrics, protocol, throttle, tokens
from chatapp.exceptions import CLOSE_CODES, ClientError
from chatapp.identity import GUEST_COOKIE, Login, Sender, known_canary, sender_of, user_group
from chatapp.models import Grant, Presence, Ticket
from relay.outbox import send_at_once

logger = logging.getLogger(__name__)

#: Seconds before a token ends from which on, with each keepalive, its socket is asked for another.
ASK_BEFORE = 60
#: Parts of a query that say who one is, and the errors for those that are made up.
CREDENTIALS = ("ticket", "token", "session_key")
GUESSES = ("ticket_invalid", "token_invalid", "session_invalid")


def caller(message: Message, query: QueryDict, room: str | None = None) -> tuple[Sender, Login | None]:
    """
    Who sent a `websocket.connect` message that `http_session_user` has seen: by `?ticket=`, by `?token=`, by session,
    or as a guest; or one of our own canaries. room: where it wants to go, if anywhere. Raises ClientError.
    """
    if not any(name in query for name in CREDENTIALS):
        return identified(message, query, room)
    place = throttle.place((message.get("client") or [""])[0])
    throttle.check_socket(place)
    try:
        return identified(message, query, room)
    except ClientError as e:
        if e.code in GUESSES:
            throttle.note_socket(place)
        raise


def identified(message: Message, query: QueryDict, room: str | None) -> tuple[Sender, Login | None]:
    """As `caller`, as often as one likes."""
    if "canary" in query:
        return known_canary(query["canary"]), None
    if "ticket" in query:
        return by_ticket(query["ticket"], message.reply_channel.name, room)
    if "token" in query:
        user, login = tokens.login_of(query["token"])
        return sender_of(user, []), login
    if "session_key" in query and not message.user.is_authenticated:
        raise ClientError("session_invalid")
    sender = sender_of(message.user, [query.get("guest"), cookies(message).get(GUEST_COOKIE)])
    if not message.user.is_authenticated:
        return sender, None
    return sender, Login(message.user.pk, message.http_session.session_key)


def by_ticket(text: str, channel: str, room: str | None) -> tuple[Sender, Login]:
    """Whose a ticket is, which is used up now, and the login that it stands for. Raises ClientError."""
    ticket = Ticket.spend(text, channel, room or "")
    if ticket is None or ticket.password_mark != ticket.user.get_session_auth_hash():
        raise ClientError("ticket_invalid")
    login = Login(ticket.user_id, ticket.login, ticket.expires)
    # Before it sees anything: whoever logged out has given up the ticket as well.
    check(login)
    return sender_of(ticket.user, []), login


def cookies(message: Message) -> dict[str, str]:
    headers = dict(message.get("headers", []))
    return parse_cookie(headers.get(b"cookie", b"").decode("latin1"))


def check(login: Login | None) -> None:
    """Raise ClientError unless the user, and the login that a socket came in with, are still good."""
    if login is None:
        return
    if login.expires is not None and login.expires <= clock.now():
        raise ClientError("token_expired")
    if not (tokens.is_good(login) if login.key.startswith(tokens.PREFIX) else is_good_session(login)):
        raise ClientError("logged_out")


def is_good_session(login: Login) -> bool:
    """Whether a login session is there, and its user; and whether the password is still that of the session."""
    user = get_user_model().objects.filter(pk=login.user_id, is_active=True).first()
    session = import_module(settings.SESSION_ENGINE).SessionStore(login.key).load()
    marks = session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash() if user else ""
    return user is not None and constant_time_compare(*marks)


def ask_for_token(reply_channel: Channel, login: Login | None) -> None:
    """Ask a socket whose token ends soon for another."""
    if login is None or login.expires is None:
        return
    if (login.expires - clock.now()).total_seconds() < ASK_BEFORE:
        reply_channel.send(protocol.text(token_frame(login)))


def token_frame(login: Login) -> dict[str, Any]:
    """How long the token that a socket came in with is good."""
    return protocol.answer("auth", expires=protocol.iso(login.expires) if login.expires else None)


def close_expired() -> None:
    """Close the sockets whose tokens have ended."""
    close((Channel(name) for name in Presence.end_expired()), "token_expired")


def close_sockets(user_id: int) -> None:
    """Close every socket of a user, who is logged out or banned, or has another password."""
    close([user_group(user_id)], "logged_out")


def grant(user: Any, session_key: str = "") -> Grant:
    """
    A new grant. Of too many, the oldest end, and their sockets are closed: whoever logs in for each call is not locked
    out.
    """
    made = Grant.make(user, session_key)
    for old in Grant.too_many(user):
        grant_id = old.pk
        old.delete()
        close_granted(grant_id)
    return made


def close_granted(grant_id: str) -> None:
    """Close the sockets that came in by the tokens of a grant, which is revoked."""
    names = Presence.objects.filter(login=tokens.PREFIX + grant_id).values_list("channel", flat=True)
    close([Channel(name) for name in names], "logged_out")


def close(targets: Iterable[Channel | Group], code: str) -> None:
    """
    Tell sockets why, and close them. If the layer can't be reached, that must not keep anyone from logging out: they
    are then closed at their next keepalive.
    """
    targets = list(targets)
    metrics.count_error(code, len(targets))
    content = {**protocol.text(protocol.error_frame(ClientError(code))), "close": CLOSE_CODES[code]}
    try:
        send_at_once([(target, content) for target in targets])
    except Exception:
        logger.exception("Sockets could not be closed now (%s); the next keepalive will do it", code)
