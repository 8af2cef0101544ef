"""What all of the HTTP API does alike: JSON in and out, errors as on the socket, and who asks."""

from typing import Any

from django.db import DataError
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatapp import guests, metrics, protocol
from chatapp.decorators import refusal
from chatapp.exceptions import ClientError
from chatapp.idempotency import delivery_id
from chatapp.identity import GUEST_COOKIE, Sender, sender_of

#: Error code → HTTP status, where it isn't 400.
STATUS = {
    "account_needed": 401,
    "guests_not_allowed": 403,
    "no_entry": 403,
    "no_such_room": 404,
    "rate_limited": 429,
    "room_name_taken": 403,
    "room_needs_account": 403,
    "too_many_rooms": 429,
    "too_many_tries": 429,
    "token_expired": 401,
    "token_invalid": 401,
    "wrong_credentials": 401,
}


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


class Endpoint(APIView):
    """A view of the API."""

    # JSON only: a form on another site can't send it.
    parser_classes = (Parser,)
    content_negotiation_class = AlwaysJson

    def handle_exception(self, exc: Exception) -> Response:
        """Errors look as they do on the socket."""
        if isinstance(exc, DataError):
            exc = refusal(exc)
        if not isinstance(exc, ClientError):
            return super().handle_exception(exc)
        metrics.count_error(exc.code)
        response = Response(protocol.error_frame(exc), status=STATUS.get(exc.code, 400))
        if response.status_code == 401 and (asked := self.get_authenticate_header(self.request)):
            response["WWW-Authenticate"] = asked
        if exc.retry_after is not None:
            response["Retry-After"] = "%d" % exc.whole_seconds
        return response


def requester(request: Request) -> Sender:
    """Who asks. Raises ClientError."""
    tokens = [request.GET.get("guest"), request.COOKIES.get(GUEST_COOKIE)]
    return guests.settled(sender_of(request.user, tokens, delivery_id(request)))


def fields(request: Request) -> dict[str, Any]:
    """What the body's JSON says, if it is an object."""
    return request.data if isinstance(request.data, dict) else {}


def whole_number(text: str) -> Any:
    """The number in a query string, or the text as it is, which the protocol then refuses."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else text
