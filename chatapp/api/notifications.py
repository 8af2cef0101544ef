"""A user's notifications, over HTTP."""

from rest_framework.request import Request
from rest_framework.response import Response

from chatapp import protocol
from chatapp.api.endpoint import Endpoint, whole_number
from chatapp.exceptions import ClientError
from chatapp.notifications import inbox


class Notifications(Endpoint):
    """`/api/notifications`"""

    def get(self, request: Request) -> Response:
        """A page, the newest first; with `?skip=` those after so many: `{"notifications", "complete", "unread"}`."""
        user_id = account(request)
        skip = protocol.checked_number(whole_number(request.GET.get("skip", "0")))
        frame = inbox.page_frame(user_id, skip)
        return Response({name: frame[name] for name in ("notifications", "complete", "unread")})


class Read(Endpoint):
    """`/api/notifications/read`"""

    def post(self, request: Request) -> Response:
        """The user has read `{"ids": [...]}`, or what is about `{"object"}`, or without these all: `{"unread"}`."""
        user_id = account(request)
        wanted = protocol.decode_read(request.data)
        inbox.mark_read(user_id, wanted.ids, wanted.object)
        return Response({"unread": inbox.unread(user_id)})


def account(request: Request) -> int:
    """Whose notifications they are. Raises ClientError."""
    if not request.user.is_authenticated:
        raise ClientError("account_needed")
    return request.user.pk
