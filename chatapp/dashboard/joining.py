"""How a socket comes to see a dashboard, gets what it asks for, stays, and leaves."""

import time
from typing import Any, NamedTuple

from channels import Channel, Group
from channels.message import Message
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import QueryDict

from chatapp import joining as chat
from chatapp import logins
from chatapp import protocol as wire
from chatapp.dashboard import access, broadcasting, protocol
from chatapp.dashboard.exceptions import DashboardError
from chatapp.dashboard.models import Series, dashboard_group
from chatapp.dashboard.names import checked_dashboard, dashboard_of
from chatapp.exceptions import ClientError
from chatapp.identity import Login, Sender, new_guest
from chatapp.models import Presence


class Visitor(NamedTuple):
    """A socket that wants to look: who, by which login, at which dashboard, and what it has already."""

    sender: Sender
    login: Login | None
    dashboard: str
    since: dict[str, int]


def visitor(message: Message, name: str) -> Visitor:
    """Read a `websocket.connect` message that `http_session_user` has seen. Raises ClientError."""
    dashboard = checked_dashboard(name)
    query = QueryDict(message.get("query_string", b""))
    try:
        sender, login = logins.caller(message, query)
    except ClientError as e:
        # Who may look is another question than who may chat.
        if e.code != "guests_not_allowed":
            raise
        sender, login = new_guest(), None
    check(login)
    return Visitor(sender, login, dashboard, protocol.decode_since(query.getlist("since")))


def check(login: Login | None) -> None:
    """Raise ClientError unless whoever came by this login may look."""
    access.check(login and get_user_model().objects.filter(pk=login.user_id).first())
    # One that ended while its socket was entering, too: it was not yet in the group that is closed then.
    logins.check(login)


def enter(reply_channel: Channel, guest: Visitor) -> None:
    """
    Let a socket in: the charts first, then of each series what it has not got.

    It is in each group before what is sent there is read, so what comes later reaches it. Numbers tell the client what
    it has twice, or must ask for.
    """
    # Before that it is in no group.
    reply_channel.send({"accept": True}, immediately=True)
    Presence.note(reply_channel.name, None, guest.sender, guest.login)
    for group in common_groups(guest.dashboard, guest.sender):
        group.add(reply_channel)
    series = broadcasting.series_of(guest.dashboard)
    reply_channel.send(wire.text(broadcasting.dashboard_frame(guest.dashboard)), immediately=True)
    found = listen(reply_channel, series)
    limit = max(broadcasting.WINDOW_POINTS, broadcasting.WINDOW_READ // max(1, len(found)))
    for series in found:
        window = broadcasting.window_frame(series, guest.since.get(series.name, 0), limit)
        reply_channel.send(wire.text(window), immediately=True)
    check(guest.login)


def common_groups(dashboard: str, sender: Sender) -> list[Group]:
    """The groups of a socket, beside those of its series: also what a user's sockets hear anywhere."""
    return [dashboard_group(dashboard), *chat.groups_of(None, sender)]


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


def perform(reply_channel: Channel, dashboard: str, text: str | None) -> None:
    """Do what a client's frame asks for. Raises ClientError."""
    if not Presence.seats({reply_channel.name}):
        raise ClientError("not_joined")
    wish = protocol.decode(text)
    if isinstance(wish, protocol.Ping):
        reply_channel.send(wire.text(beat(dashboard)))
    elif isinstance(wish, protocol.AskDashboard):
        reply_channel.send(wire.text(broadcasting.dashboard_frame(dashboard)))
    else:
        give_points(reply_channel, dashboard, wish)


def give_points(reply_channel: Channel, dashboard: str, wish: protocol.Ask) -> None:
    """Send what a client asks for of a series, and have it hear what comes. Raises ClientError."""
    found = Series.objects.filter(name=wish.series, dashboard=dashboard)
    if dashboard_of(wish.series) != dashboard or not found:
        raise DashboardError("no_such_series")
    for series in listen(reply_channel, list(found)):
        reply_channel.send(wire.text(broadcasting.window_frame(series, wish.since)))


def stay(reply_channel: Channel, dashboard: str) -> None:
    """Renew what a living socket has, if it may still look; and let it know that all works. Raises ClientError."""
    seat = Presence.renew(reply_channel.name)
    if seat is None:
        raise ClientError("not_joined")
    check(seat.login)
    for group in common_groups(dashboard, seat.sender):
        group.add(reply_channel)
    for series in broadcasting.series_of(dashboard):
        series.group.add(reply_channel)
    reply_channel.send(wire.text(beat(dashboard)))


def beat(dashboard: str) -> dict[str, Any]:
    heads = {series.name: series.announced for series in broadcasting.series_of(dashboard)}
    return protocol.beat_frame(time.time(), heads)


def leave(reply_channel: Channel, dashboard: str) -> None:
    """Undo `enter`. Harmless for a socket that was never let in."""
    seat = Presence.remove(reply_channel.name)
    if seat is None:
        return
    groups = common_groups(dashboard, seat.sender)
    for group in [*groups, *(series.group for series in broadcasting.series_of(dashboard))]:
        group.discard(reply_channel)
