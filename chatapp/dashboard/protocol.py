"""
The wire of a dashboard's socket, described in docs/dashboard.md. Frames are JSON, as the chat's are. Pure.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from chatapp.dashboard.names import checked_series
from chatapp.dashboard.thinning import Point
from chatapp.exceptions import ClientError

#: Seconds of silence after which a client asks whether anybody is there.
HEARTBEAT = 5.0


class Ask(NamedTuple):
    """A client wants the points of a series after this number; 0: the whole window."""

    series: str
    since: int


class AskDashboard(NamedTuple):
    """A client wants to know which charts there are: it has heard of a series that it does not know."""


class Ping(NamedTuple):
    """A client wants to hear that there is somebody."""


def decode(text: str | None) -> Ask | AskDashboard | Ping:
    """What a text frame asks for. None: it was a binary frame. Raises ClientError."""
    if text is None:
        raise ClientError("binary_frame")
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        raise ClientError("invalid_json") from None
    if not isinstance(frame, dict):
        raise ClientError("invalid_json")
    if frame.get("type") == "ping":
        return Ping()
    if frame.get("type") == "dashboard":
        return AskDashboard()
    if frame.get("type") == "points":
        return Ask(checked_series(frame.get("series")), checked_number(frame.get("since", 0)))
    raise ClientError("unknown_type")


def checked_number(value: Any) -> int:
    """The number of a point, as the database can compare it. Raises ClientError `invalid_since`."""
    if type(value) is not int or value < 0:
        raise ClientError("invalid_since")
    return min(value, 2**62)


def decode_since(given: Iterable[str]) -> dict[str, int]:
    """What a client has already, of `?since=<series>:<number>`, once for each series. Raises ClientError."""
    found = {}
    for text in given:
        series, _, number = text.rpartition(":")
        if not (number.isascii() and number.isdigit()):
            raise ClientError("invalid_since")
        found[checked_series(series)] = checked_number(int(number[:20]))
    return found


def dashboard_frame(name: str, layout: dict[str, Any], now: float, window: int, heartbeat: float) -> dict[str, Any]:
    """The first frame, and sent again when the dashboard has another series. `layout` is of `boards.layout`."""
    return {"type": "dashboard", "name": name, "now": now, "window": window, "heartbeat": heartbeat, **layout}


def points_frame(series: str, after: int, upto: int, points: Sequence[Point]) -> dict[str, Any]:
    """
    All that there is of a series after the number `after`, up to and with `upto`; thinned, so each point says how many
    it stands for.
    """
    return {
        "type": "points",
        "series": series,
        "after": after,
        "upto": upto,
        "count": sum(point.stands_for for point in points),
        # Microseconds are enough, and a third shorter.
        "points": [[round(point.at, 6), point.value, point.stands_for] for point in points],
    }


def beat_frame(now: float, heads: dict[str, int]) -> dict[str, Any]:
    """A sign of life, with the number of the newest point of each series that was sent to browsers."""
    return {"type": "beat", "now": now, "heads": heads}
