"""
Tokens (JWT): how a program, or a page of another site, says who it is without a cookie.

`POST /api/token` makes a grant and gives two tokens that name it: a short-lived one for access, and one to get more of
those with. Both are worth something only as long as the grant is good; see `models.Grant`.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from django.conf import settings

from chatapp import clock
from chatapp.exceptions import ClientError
from chatapp.identity import Login
from chatapp.models import Grant

ALGORITHM = "HS256"
ACCESS, REFRESH = "access", "refresh"
#: When a token ends is for the clock to say that all processes share, and not for this machine's.
OPTIONS: Any = {"require": ["exp", "grant", "use"], "verify_exp": False, "verify_iat": False}
#: What begins the key of a `Login` by token.
PREFIX = "token:"


def key() -> bytes:
    """The key that tokens are signed with: of their own, so that nothing else that we sign is ever taken for one."""
    return hashlib.sha256(b"chatapp.tokens:" + settings.SECRET_KEY.encode("utf-8")).digest()


def make(grant: Grant, use: str) -> str:
    """A token for this use: "access" or "refresh"."""
    now = clock.now()
    ends = grant.ends if use == REFRESH else min(grant.ends, now + timedelta(seconds=settings.CHAT_TOKEN_LIFETIME))
    claims = {"sub": str(grant.user_id), "grant": grant.pk, "use": use, "iat": now, "exp": ends}
    return jwt.encode(claims, key(), algorithm=ALGORITHM)


def read(token: Any, use: str) -> tuple[Grant, datetime]:
    """The grant that a token names, and when the token ends. Raises ClientError."""
    try:
        claims = jwt.decode(token, key(), algorithms=[ALGORITHM], options=OPTIONS)
        ends = datetime.fromtimestamp(claims["exp"], UTC)
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, OSError):
        raise ClientError("token_invalid") from None
    if ends <= clock.now():
        raise ClientError("token_expired")
    grant = Grant.good(claims["grant"]) if claims["use"] == use else None
    if grant is None:
        raise ClientError("token_invalid")
    return grant, ends


def login_of(token: Any) -> tuple[Any, Login]:
    """The user whom an access token names, and the login that it is. Raises ClientError."""
    grant, ends = read(token, ACCESS)
    return grant.user, Login(grant.user_id, PREFIX + grant.pk, ends)


def is_good(login: Login) -> bool:
    """Whether the grant behind a login by token is still good. That the token ends is another question."""
    return Grant.good(login.key.removeprefix(PREFIX)) is not None
