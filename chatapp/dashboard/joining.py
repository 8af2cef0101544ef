"""How a socket comes to see a dashboard, gets what it asks for, stays, and leaves."""

import time
from typing import Any, NamedTuple

from channels import Channel, Group
from channels.message import Message
from django.db import transaction
from django.http import QueryDict
from django.utils import timezone

from chatapp import joining as chat
from chatapp import protocol as wire
from chatapp.dashboard import access, broadcasting, protocol
from chatapp.dashboard.exceptions import DashboardError
from chatapp.dashboard.models import Series, Viewer, dashboard_group
from chatapp.dashboard.names import checked_dashboard, dashboard_of
from chatapp.exceptions import ClientError


class Visitor(NamedTuple):
    """A socket that wants to look: at which dashboard, who, by which login, and what it has already."""

    dashboard: str
    user: Any
    session_key: str
    since: dict[str, int]


def visitor(message: Message, name: str) -> Visitor:
    """Read a `websocket.connect` message that `http_session_user` has seen. Raises ClientError."""
    dashboard = checked_dashboard(name)
    query = QueryDict(message.get("query_string", b""))
    user = message.user if message.user.is_authenticated else None
    if "session_key" in query and user is None:
        raise ClientError("session_invalid")
    access.check(user)
    session_key = message.http_session.session_key if user else ""
    return Visitor(dashboard, user, session_key, protocol.decode_since(query.getlist("since")))


def enter(reply_channel: Channel, guest: Visitor) -> None:
    """
    Let a socket in: the charts first, then of each series what it has not got.

    It is in each group before what is sent there is read, so what comes later reaches it. Numbers tell the client what
    it has twice, or must ask for.
    """
    # Before that it is in no group.
    reply_channel.send({"accept": True}, immediately=True)
    user_id = guest.user and guest.user.pk
    known = {"dashboard": guest.dashboard, "user_id": user_id, "session_key": guest.session_key}
    Viewer.objects.update_or_create(channel=reply_channel.name, defaults={**known, "seen": timezone.now()})
    for group in common_groups(guest.dashboard, user_id):
        group.add(reply_channel)
    series = broadcasting.series_of(guest.dashboard)
    reply_channel.send(wire.text(broadcasting.dashboard_frame(guest.dashboard)), immediately=True)
    found = listen(reply_channel, series)
    limit = max(broadcasting.WINDOW_POINTS, broadcasting.WINDOW_READ // max(1, len(found)))
    for series in found:
        window = broadcasting.window_frame(series, guest.since.get(series.name, 0), limit)
        reply_channel.send(wire.text(window), immediately=True)
    # A login that ended meanwhile was not yet in the group that is closed then.
    chat.check_session(user_id, guest.session_key)


def common_groups(dashboard: str, user_id: int | None) -> list[Group]:
    """The groups of a socket, beside those of its series. That of its user is closed when the login ends."""
    groups = [dashboard_group(dashboard)]
    return groups if user_id is None else [*groups, chat.user_group(user_id)]


def listen(reply_channel: Channel, series: list[Series]) -> list[Series]:
    """
    Have a socket hear what comes, or for longer. Returns the series as they were then: read under their locks, so that
    no frame is being sent which the socket misses and their `announced` does not count.
    """
    for one in series:
        one.group.add(reply_channel)
    ids = [one.pk for one in series]
    with transaction.atomic():
        found = list(Series.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
    return sorted(found, key=lambda one: one.name)


def perform(reply_channel: Channel, text: str | None) -> None:
    """Do what a client's frame asks for. Raises ClientError."""
    viewer = known_viewer(reply_channel)
    wish = protocol.decode(text)
    if isinstance(wish, protocol.Ping):
        reply_channel.send(wire.text(beat(viewer.dashboard)))
    elif isinstance(wish, protocol.AskDashboard):
        reply_channel.send(wire.text(broadcasting.dashboard_frame(viewer.dashboard)))
    else:
        give_points(reply_channel, viewer, wish)


def give_points(reply_channel: Channel, viewer: Viewer, wish: protocol.Ask) -> None:
    """Send what a client asks for of a series, and have it hear what comes. Raises ClientError."""
    found = Series.objects.filter(name=wish.series, dashboard=viewer.dashboard)
    if dashboard_of(wish.series) != viewer.dashboard or not found:
        raise DashboardError("no_such_series")
    for series in listen(reply_channel, list(found)):
        reply_channel.send(wire.text(broadcasting.window_frame(series, wish.since)))


def stay(reply_channel: Channel) -> None:
    """Renew what a living socket has, if it may still look; and let it know that all works. Raises ClientError."""
    viewer = known_viewer(reply_channel)
    access.check(viewer.user)
    chat.check_session(viewer.user_id, viewer.session_key)
    Viewer.objects.filter(pk=viewer.pk).update(seen=timezone.now())
    for group in common_groups(viewer.dashboard, viewer.user_id):
        group.add(reply_channel)
    for series in broadcasting.series_of(viewer.dashboard):
        series.group.add(reply_channel)
    reply_channel.send(wire.text(beat(viewer.dashboard)))


def beat(dashboard: str) -> dict[str, Any]:
    heads = {series.name: series.announced for series in broadcasting.series_of(dashboard)}
    return protocol.beat_frame(time.time(), heads)


def known_viewer(reply_channel: Channel) -> Viewer:
    """Raises ClientError `not_joined` for a socket that was not let in, or has left."""
    viewer = Viewer.objects.select_related("user").filter(channel=reply_channel.name).first()
    if viewer is None:
        raise ClientError("not_joined")
    return viewer


def leave(reply_channel: Channel) -> None:
    """Undo `enter`. Harmless for a socket that was never let in."""
    viewer = Viewer.objects.filter(channel=reply_channel.name).first()
    if viewer is None:
        return
    viewer.delete()
    groups = common_groups(viewer.dashboard, viewer.user_id)
    for group in [*groups, *(series.group for series in broadcasting.series_of(viewer.dashboard))]:
        group.discard(reply_channel)
