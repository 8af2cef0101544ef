"""Get a ticket for a socket."""

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from chatapp import protocol
from chatapp.api.endpoint import Endpoint, fields
from chatapp.exceptions import ClientError
from chatapp.identity import Login
from chatapp.models import TICKETS_LIMIT, Ticket


class Tickets(Endpoint):
    """`/api/ticket`"""

    def post(self, request: Request) -> Response:
        """
        A ticket for whoever is logged in, by cookie or by token: `{"ticket", "expires_in"}`. With `{"room"}` it is good
        for that room only. 401 `account_needed`, 429 `too_many_tries`.
        """
        if not request.user.is_authenticated:
            raise ClientError("account_needed")
        room = fields(request).get("room", "")
        if room:
            protocol.checked_room(room)
        if Ticket.waiting(request.user) >= TICKETS_LIMIT:
            raise ClientError("too_many_tries", retry_after=settings.CHAT_TICKET_LIFETIME)
        text = Ticket.make(request.user, login_of(request), room or "")
        return Response({"ticket": text, "expires_in": settings.CHAT_TICKET_LIFETIME}, status=201)


def login_of(request: Request) -> Login:
    """What let the request in: a token, or the session."""
    if isinstance(request.auth, Login):
        return request.auth
    return Login(request.user.pk, request.session.session_key)
