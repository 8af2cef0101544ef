"""A user's notifications, over HTTP."""

from typing import Any

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from chatapp import protocol
from chatapp.api.endpoint import Endpoint, whole_number
from chatapp.notifications import inbox


class Notifications(Endpoint):
    """`/api/notifications`"""

    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        """A page, the newest first; with `?skip=` those after so many: `{"notifications", "complete", "unread"}`."""
        skip = protocol.checked_number(whole_number(request.GET.get("skip", "0")))
        frame = inbox.page_frame(request.user.pk, skip)
        return Response({name: frame[name] for name in ("notifications", "complete", "unread")})


class Read(Endpoint):
    """`/api/notifications/read`"""

    permission_classes = (IsAuthenticated,)

    def post(self, request: Request) -> Response:
        """The user has read `{"ids": [...]}`, or without these all: `{"unread"}`."""
        data: dict[str, Any] = request.data if isinstance(request.data, dict) else {}
        inbox.mark_read(request.user.pk, protocol.decode_read(data).ids)
        return Response({"unread": inbox.unread(request.user.pk)})
