"""
The wire, described in docs/protocol.md: what client frames mean, and how server frames look.

Pure: plain values in and out; no Django, no layer, no clock.
"""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from chatapp.exceptions import ClientError
from chatapp.names import is_blank

#: Characters of one message.
MESSAGE_LIMIT = 4000
#: Characters of a client_id.
CLIENT_ID_LIMIT = 64
#: Characters of a display name.
NAME_LIMIT = 40
#: Messages of one history page: at most, and if the client doesn't say.
PAGE_LIMIT = 200
PAGE_DEFAULT = 50
#: Notifications that one frame marks as read.
READ_LIMIT = 500

#: Also the `pattern` of the form's field: browsers read it with the `v` flag, which wants the hyphen escaped.
ROOM_PATTERN = r"[A-Za-z0-9_\-]{1,64}"
_ROOM = re.compile(ROOM_PATTERN)
#: On one line, and without what turns the direction of the text around it.
_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]{1,%d}" % NAME_LIMIT)


#: As json.dumps, which makes an encoder for each call that wants anything but the defaults.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Say(NamedTuple):
    """A message for the room."""

    message: str
    client_id: str | None = None


class History(NamedTuple):
    """A page of older messages (`before`), or of newer ones (`since`)."""

    before: int | None
    since: int | None
    limit: int


class Typing(NamedTuple):
    """The sender is typing."""


class AskPresence(NamedTuple):
    """The sender asks who is here."""


class Auth(NamedTuple):
    """The sender says who it is, or brings a new token."""

    token: Any


class AskNotifications(NamedTuple):
    """The sender asks for notifications, but for the newest of them."""

    skip: int


class MarkRead(NamedTuple):
    """The sender has read these notifications, or those about an object; both None: all."""

    ids: tuple[int, ...] | None
    object: str | None = None


class Slash(NamedTuple):
    """A slash command for the server: `/name Ann`, `/who`, `/leave`."""

    command: str
    argument: str
    client_id: str | None = None


Command = Say | History | Typing | AskPresence | Auth | AskNotifications | MarkRead | Slash

#: The slash commands that the server answers itself. All others are messages, which bots may answer.
SLASH_COMMANDS = ("name", "who", "help", "join", "leave")


# Client frames


def decode(text: str | None) -> Command:
    """What a text frame asks for. None: it was a binary frame. Raises ClientError."""
    if text is None:
        raise ClientError("binary_frame")
    if not text.lstrip().startswith("{"):
        return decode_text(text, None)
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        raise ClientError("invalid_json") from None
    return decode_frame(frame)


def decode_frame(frame: dict[str, Any]) -> Command:
    kind = frame.get("type", "message")
    if kind == "message":
        client_id = None if frame.get("client_id") is None else checked_client_id(frame["client_id"])
        return decode_text(frame.get("message"), client_id)
    if kind == "history":
        return decode_history(frame)
    if kind == "typing":
        return Typing()
    if kind == "presence":
        return AskPresence()
    if kind == "auth":
        return Auth(frame.get("token"))
    if kind == "notifications":
        return AskNotifications(checked_number(frame.get("skip", 0)))
    if kind == "read":
        return decode_read(frame)
    raise ClientError("unknown_type")


def decode_text(text: Any, client_id: str | None) -> Say | Slash:
    try:
        message = checked_message(text)
    except ClientError as e:
        raise e.about(client_id) from None
    command, _, argument = message.partition(" ")
    if command[:1] == "/" and command[1:] in SLASH_COMMANDS:
        return Slash(command[1:], argument.strip(), client_id)
    return Say(message, client_id)


def decode_history(frame: dict[str, Any]) -> History:
    """`before` or `since` must be there; `limit` is cut to what one page may have."""
    before, since = frame.get("before"), frame.get("since")
    limit = frame.get("limit", PAGE_DEFAULT)
    numbers = [value for value in (before, since, limit) if value is not None]
    if (before is None) == (since is None) or not all(type(value) is int for value in numbers):
        raise ClientError("invalid_history")
    return History(in_range(before), in_range(since), max(1, min(limit or PAGE_DEFAULT, PAGE_LIMIT)))


def decode_read(frame: Any) -> MarkRead:
    """`ids` is a list of numbers, `object` is text; without them, all."""
    if not isinstance(frame, dict):
        raise ClientError("invalid_notifications")
    ids, named = frame.get("ids"), frame.get("object")
    if named is not None and not isinstance(named, str):
        raise ClientError("invalid_notifications")
    if ids is None:
        return MarkRead(None, named and checked_text(named))
    if not isinstance(ids, list) or len(ids) > READ_LIMIT:
        raise ClientError("invalid_notifications")
    return MarkRead(tuple(map(checked_number, ids)), named and checked_text(named))


def checked_number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**62:
        raise ClientError("invalid_notifications")
    return value


def in_range(seq: int | None) -> int | None:
    """The number as the database can compare it: no room has more than 2^62 messages."""
    return None if seq is None else max(0, min(seq, 2**62))


def checked_message(text: Any) -> str:
    """The text of a message, if it may be stored. Raises ClientError."""
    if not isinstance(text, str):
        raise ClientError("invalid_message")
    if is_blank(text):
        raise ClientError("empty_message")
    if len(text) > MESSAGE_LIMIT:
        raise ClientError("message_too_long")
    return checked_text(text)


def checked_text(text: str) -> str:
    """The text, if every database and every JSON reader takes it: no NUL, no half of a surrogate pair."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ClientError("invalid_text") from None
    if "\0" in text:
        raise ClientError("invalid_text")
    return text


def checked_client_id(client_id: Any) -> str:
    if not isinstance(client_id, str) or not 1 <= len(client_id) <= CLIENT_ID_LIMIT:
        raise ClientError("invalid_client_id")
    return checked_text(client_id)


def checked_room(slug: Any) -> str:
    """A room's slug, from which group names and paths may be made."""
    if not isinstance(slug, str) or not _ROOM.fullmatch(slug):
        raise ClientError("invalid_room")
    return slug


def checked_name(name: Any) -> str:
    """A display name: something to see, on one line."""
    if not isinstance(name, str) or not _NAME.fullmatch(name.strip()) or is_blank(name):
        raise ClientError("invalid_name")
    return checked_text(name.strip())


# Server frames


def message_frame(room: str, row: Any) -> dict[str, Any]:
    """A stored message, as it is broadcast and as it stands in history. `row`: anything with ChatMessage's fields."""
    return {
        "type": "message",
        "room": room,
        "seq": row.seq,
        "id": row.id,
        "user": row.name,
        "sender": row.sender,
        "message": row.message,
        "sent": iso(row.sent),
        "client_id": row.client_id,
        **guest_mark(row.sender),
    }


def guest_mark(sender: str) -> dict[str, bool]:
    """What marks a frame about a guest: guests choose their names freely, accounts can't."""
    return {"guest": True} if sender.startswith("guest:") else {}


def presence_frame(people: Iterable[tuple[str, str]], count: int) -> dict[str, Any]:
    """Who is in a room. people: sender and name of some; count: how many there are in all."""
    people = list(people)
    guests = sorted({name for sender, name in people if guest_mark(sender)})
    return answer("presence", users=sorted({name for _, name in people}), guests=guests, count=count)


def ack_frame(row: Any) -> dict[str, Any]:
    return {"type": "ack", "client_id": row.client_id, "seq": row.seq, "id": row.id}


def error_frame(error: ClientError) -> dict[str, Any]:
    frame: dict[str, Any] = {"type": "error", "code": error.code, "text": error.text}
    if error.client_id is not None:
        frame["client_id"] = error.client_id
    if error.retry_after is not None:
        frame["retry_after"] = error.retry_after
    return frame


def answer(kind: str, client_id: str | None = None, **fields: Any) -> dict[str, Any]:
    """A frame of another type, with the client_id of what it answers, if that had one."""
    return {"type": kind, **fields, **({} if client_id is None else {"client_id": client_id})}


def text(frame: dict[str, Any]) -> dict[str, str]:
    """A server frame as the content of a message to a reply channel or group."""
    return {"text": _encode(frame)}


def size(text: str) -> int:
    """Bytes that a text takes in a frame. A control character takes six times what it takes in the database."""
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8"))


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC, to the microsecond: `2026-11-21T09:30:00.000000Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
