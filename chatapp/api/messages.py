"""Read a room's messages, and post one."""

from rest_framework.request import Request
from rest_framework.response import Response

from chatapp import doors, ledger, protocol
from chatapp.api.endpoint import Endpoint, requester, whole_number
from chatapp.exceptions import ClientError
from chatapp.idempotency import delivery_id
from chatapp.identity import Sender, remember_guest
from chatapp.models import Room, checked_or_new_client_id


class Messages(Endpoint):
    """`/api/rooms/<room>/messages`"""

    def get(self, request: Request, slug: str) -> Response:
        """A page of history: `?since=` or `?before=` a number, `?limit=`; without either, the newest."""
        room = existing(slug, requester(request))
        page = {key: whole_number(value) for key, value in request.GET.items() if key in ("since", "before", "limit")}
        if "since" not in page and "before" not in page:
            page["before"] = room.head + 1
        frame = ledger.history_frame(room, protocol.decode_history(page))
        return Response({"messages": frame["messages"], "complete": frame["complete"], "head": room.head})

    def post(self, request: Request, slug: str) -> Response:
        """
        Store a message: `{"message", "client_id"?}`. Answers 201 with its number when it is stored, or 200 if that
        `client_id` was stored before. Without one, another request is another message; so it is for a guest who does
        not bring the cookie `guest` (or `?guest=`) back, which the first answer sets. The same request, delivered again
        because its worker died, is the same message in any case (C1).
        """
        sender = requester(request)
        data = request.data if isinstance(request.data, dict) else {}
        given = data.get("client_id")
        client_id = checked_or_new_client_id((delivery_id(request) or None) if given is None else given)
        message = protocol.checked_message(data.get("message"))
        row, is_new = ledger.store_and_announce(doors.wanted(slug, sender), sender, message, client_id)
        # Without a client_id the client has sent this once. It need not hear of an earlier delivery.
        response = Response(protocol.ack_frame(row), status=201 if is_new or given is None else 200)
        remember_guest(request, response, sender)
        return response


def existing(slug: str, sender: Sender) -> Room:
    """The room, which reading does not bring into being. Raises ClientError."""
    room = Room.objects.filter(slug=doors.wanted(slug, sender)).first()
    if room is None:
        raise ClientError("no_such_room")
    return room
