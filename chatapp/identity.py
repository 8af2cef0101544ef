"""
Who someone is: a user with an account, or a guest.

A guest is a signed token and no database row: `{"id", "name"}` under our SECRET_KEY, carried in the cookie `guest` or
in `?guest=`. The `welcome` frame hands it out, so a guest who brings it back is the same sender.
"""

import secrets
from datetime import datetime
from typing import Any, NamedTuple

from channels import Group
from django.conf import settings
from django.core import signing
from django.utils.crypto import salted_hmac

from chatapp.exceptions import ClientError
from chatapp.names import GUEST_PREFIX

GUEST_COOKIE = "guest"
#: Seconds that a browser keeps it: a year.
GUEST_COOKIE_AGE = 365 * 86400
GUEST_SALT = "chatapp.guest"
#: What their keys begin with.
GUEST_KEY = "guest:"
DELIVERY_SALT = "chatapp.guest.delivery"
CANARY_SALT = "chatapp.canary"
#: What begins the keys of canaries, and the seconds for which a token of theirs lets in: a day, since it opens only
#: their own room, and the clocks of who makes and who reads it may differ.
CANARY_PREFIX, CANARY_AGE = "canary:", 86400


class Sender(NamedTuple):
    """Who sends: `key` is unique and stays, `name` is what others see."""

    key: str
    name: str

    @property
    def is_guest(self) -> bool:
        return self.key.startswith(GUEST_KEY)

    @property
    def is_canary(self) -> bool:
        """Whether it is the service that talks to itself."""
        return self.key.startswith(CANARY_PREFIX)

    @property
    def user_id(self) -> int | None:
        """The primary key of the user with an account, or None."""
        kind, _, number = self.key.partition(":")
        return int(number) if kind == "user" and number.isdecimal() else None

    @property
    def is_limited(self) -> bool:
        """Whether the rate limit holds for this sender: people, not what the server's own side sends."""
        return self.key.startswith(("user:", "guest:"))

    def guest_token(self) -> str:
        return signing.dumps({"id": self.key.partition(":")[2], "name": self.name}, salt=GUEST_SALT)


class Login(NamedTuple):
    """
    What let somebody with an account in, and must still be there for a socket to stay.

    key: of the login session; or `token:` and the id of the grant that the token names.
    expires: when the token ends. Sessions are asked for now and then.
    """

    user_id: int
    key: str
    expires: datetime | None = None


def user_sender(user: Any) -> Sender:
    return Sender("user:%d" % user.pk, user.get_username())


def new_guest(delivery_id: str = "") -> Sender:
    """
    A guest who has no token yet. A request that is delivered again makes the same guest as before (C1): otherwise what
    it sends would be another guest's message. Logs and frames may show the id of a delivery, but only our SECRET_KEY
    leads from there to the guest.
    """
    number = salted_hmac(DELIVERY_SALT, delivery_id).hexdigest()[:16] if delivery_id else secrets.token_hex(8)
    key = GUEST_KEY + number
    return Sender(key, new_names(key)[0])


def new_names(key: str) -> tuple[str, str]:
    """What a guest who has chosen no name is called: a short name, and a long one where somebody has the short one."""
    number = key.removeprefix(GUEST_KEY)
    return GUEST_PREFIX + number[:4], GUEST_PREFIX + number


def known_guest(token: str | None) -> Sender | None:
    """The guest that a token of ours names, or None: there is none, or it isn't ours."""
    try:
        guest = signing.loads(token or "", salt=GUEST_SALT)
    except signing.BadSignature:
        return None
    return Sender(GUEST_KEY + guest["id"], guest["name"])


def canary_token(name: str) -> str:
    """What lets the canary of that name in: only those can make it who have our SECRET_KEY."""
    return signing.dumps(name, salt=CANARY_SALT)


def known_canary(token: str) -> Sender:
    """The canary that a token names. Raises ClientError."""
    try:
        name = signing.loads(token, salt=CANARY_SALT, max_age=CANARY_AGE)
    except signing.BadSignature:
        raise ClientError("token_invalid") from None
    return Sender(CANARY_PREFIX + name, "canary")


def remember_guest(request: Any, response: Any, sender: Sender) -> None:
    """Give a guest the cookie, unless it is there, so that the same guest comes back under the same name."""
    if not sender.is_guest or known_guest(request.COOKIES.get(GUEST_COOKIE)) == sender:
        return
    # Not HttpOnly: the page renews it when the guest takes another name. It gives no rights but the name.
    response.set_cookie(
        GUEST_COOKIE,
        sender.guest_token(),
        max_age=GUEST_COOKIE_AGE,
        path=settings.SESSION_COOKIE_PATH,
        samesite="Lax",
        secure=request.is_secure(),
    )


def sender_of(user: Any, tokens: list[str | None], delivery_id: str = "") -> Sender:
    """
    The sender for a user, or for the first guest token that is ours, or a new guest: see `new_guest`. Raises
    ClientError.
    """
    if user.is_authenticated:
        return user_sender(user)
    if not settings.CHAT_ALLOW_GUESTS:
        raise ClientError("guests_not_allowed")
    return next(filter(None, map(known_guest, tokens)), None) or new_guest(delivery_id)


def user_group(user_id: int) -> Group:
    """All sockets of a user with an account."""
    return Group("user-%d" % user_id)
