"""Get tokens, get more of them, and revoke them."""

from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.utils import timezone
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from chatapp import logins, protocol, tokens
from chatapp.api.endpoint import Endpoint, fields
from chatapp.exceptions import ClientError
from chatapp.idempotency import once
from chatapp.models import Grant


class Tokens(Endpoint):
    """`/api/token`"""

    authentication_classes = (SessionAuthentication,)

    def post(self, request: Request) -> Response:
        """
        Tokens for `{"username", "password"}`, or without these for whoever is logged in: `{"access", "refresh",
        "expires_in"}`. 401 `wrong_credentials`.
        """
        given = fields(request)
        if request.user.is_authenticated and "username" not in given:
            grant = logins.grant(request.user, request.session.session_key)
        else:
            user = authenticate(request, username=text(given, "username"), password=text(given, "password"))
            if user is None:
                raise ClientError("wrong_credentials")
            grant = logins.grant(user)
        return Response({**access(grant), "refresh": tokens.make(grant, tokens.REFRESH)})


class Refresh(Endpoint):
    """`/api/token/refresh`"""

    authentication_classes = ()

    def post(self, request: Request) -> Response:
        """Another access token for `{"refresh"}`: `{"access", "expires_in"}`."""
        grant, _ = tokens.read(fields(request).get("refresh"), tokens.REFRESH)
        return Response(access(grant))


class Revoke(Endpoint):
    """`/api/token/revoke`"""

    authentication_classes = ()

    def post(self, request: Request) -> Response:
        """End a grant, named by `{"refresh"}`: its tokens are worth nothing any more, and their sockets are closed."""

        def end() -> str:
            grant, _ = tokens.read(fields(request).get("refresh"), tokens.REFRESH)
            grant_id = grant.pk
            grant.delete()
            return grant_id

        # A second delivery finds no grant, and closes the sockets that the first had no time for.
        logins.close_granted(once(request, "revoke", end))
        return Response({})


def access(grant: Grant) -> dict[str, Any]:
    left = int((grant.ends - timezone.now()).total_seconds())
    return {"access": tokens.make(grant, tokens.ACCESS), "expires_in": min(settings.CHAT_TOKEN_LIFETIME, left)}


def text(given: dict[str, Any], name: str) -> str:
    """What a field says, if that is text that databases take."""
    value = given.get(name)
    try:
        return protocol.checked_text(value) if isinstance(value, str) else ""
    except ClientError:
        return ""
