"""`Authorization: Bearer <token>` for the HTTP API."""

from typing import Any

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from chatapp import tokens


class TokenAuthentication(BaseAuthentication):
    """Who asks is whom an access token names. A bad one is refused, also where guests would be let in."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        kind, _, token = get_authorization_header(request).decode("latin1").partition(" ")
        if kind.lower() != self.keyword.lower():
            return None
        return tokens.login_of(token.strip())

    def authenticate_header(self, request: Request) -> str:
        return '%s realm="api"' % self.keyword
