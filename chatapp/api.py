"""The HTTP API: read a room's messages, and post one."""

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatapp import ledger, protocol
from chatapp.exceptions import ClientError
from chatapp.identity import GUEST_COOKIE, Sender, remember_guest, sender_of
from chatapp.models import Room, checked_or_new_client_id

#: Error code → HTTP status, where it isn't 400.
STATUS = {"guests_not_allowed": 403, "no_such_room": 404, "rate_limited": 429}


class Parser(JSONParser):
    """DRF's JSON parser, which lets through what Python raises for brackets without end and for odd charsets."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs)
        except (RecursionError, LookupError) as e:
            raise ParseError("JSON parse error - %s" % type(e).__name__) from None


class AlwaysJson(BaseContentNegotiation):
    """There is one format; what the `Accept` header says, well-formed or not, makes no difference."""

    def select_parser(self, request: Request, parsers: list[Any]) -> Any:
        return DefaultContentNegotiation().select_parser(request, parsers)

    def select_renderer(self, request: Request, renderers: list[Any], format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class Messages(APIView):
    """`/api/rooms/<room>/messages`"""

    # JSON only: a form on another site can't send it.
    parser_classes = (Parser,)
    content_negotiation_class = AlwaysJson

    def get(self, request: Request, slug: str) -> Response:
        """A page of history: `?since=` or `?before=` a number, `?limit=`; without either, the newest."""
        requester(request)
        room = existing(slug)
        wanted = {key: whole_number(value) for key, value in request.GET.items() if key in ("since", "before", "limit")}
        if "since" not in wanted and "before" not in wanted:
            wanted["before"] = room.head + 1
        frame = ledger.history_frame(room, protocol.decode_history(wanted))
        return Response({"messages": frame["messages"], "complete": frame["complete"], "head": room.head})

    def post(self, request: Request, slug: str) -> Response:
        """
        Store a message: `{"message", "client_id"?}`. Answers 201 with its number when it is stored, or 200 if that
        `client_id` was stored before. Without one, a repeat is a second message; so it is for a guest who does not
        bring the cookie `guest` (or `?guest=`) back, which the first answer sets.
        """
        sender = requester(request)
        data = request.data if isinstance(request.data, dict) else {}
        client_id = checked_or_new_client_id(data.get("client_id"))
        message = protocol.checked_message(data.get("message"))
        row, is_new = ledger.store_and_announce(slug, sender, message, client_id)
        response = Response(protocol.ack_frame(row), status=201 if is_new else 200)
        remember_guest(request, response, sender)
        return response

    def handle_exception(self, exc: Exception) -> Response:
        """Errors look as they do on the socket."""
        if not isinstance(exc, ClientError):
            return super().handle_exception(exc)
        response = Response(protocol.error_frame(exc), status=STATUS.get(exc.code, 400))
        if exc.retry_after is not None:
            response["Retry-After"] = "%d" % max(1, exc.retry_after)
        return response


def requester(request: Request) -> Sender:
    """Who asks. Raises ClientError."""
    return sender_of(request.user, [request.GET.get("guest"), request.COOKIES.get(GUEST_COOKIE)])


def existing(slug: str) -> Room:
    """The room, which reading does not bring into being. Raises ClientError."""
    room = Room.objects.filter(slug=protocol.checked_room(slug)).first()
    if room is None:
        raise ClientError("no_such_room")
    return room


def whole_number(text: str) -> Any:
    """The number in a query string, or the text as it is, which the protocol then refuses."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else text
