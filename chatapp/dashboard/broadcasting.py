"""
What is stored goes to the browsers that look: merged, thinned, and not too often.

A frame holds all points of a series since the last frame, thinned to what a screen can show; between two frames of a
series is a pause. So whoever posts thousands of points, in whatever pieces, costs a browser the same. The stored points
are the outbox: what a worker left that died is sent by another.

Under the lock of its series a frame is made and numbered, and sent when that is committed: a layer that is away must
not keep anybody from writing. A frame that is lost, or overtaken, leaves a hole in the numbers; browsers ask for it.
"""

import time
from collections.abc import Collection

from django.conf import settings
from django.db import transaction
from django.db.models import F

from chatapp import protocol as wire
from chatapp.dashboard import boards, protocol
from chatapp.dashboard.models import Series, dashboard_group
from chatapp.dashboard.storing import horizon
from chatapp.dashboard.thinning import Point, thin
from relay.outbox import send_on_commit

#: Seconds between two frames of one series.
PAUSE = 0.1
#: Points that a frame draws, and that it stands for: at most.
FRAME_POINTS, FRAME_READ = 40, 5000
#: Points that the window of a series draws for who comes; and those that are read for all series of a dashboard.
WINDOW_POINTS, WINDOW_READ = 300, 20000


def broadcast(names: Collection[str]) -> dict[str, float]:
    """
    Send to browsers what they have not got of these series. Returns those that must pause, or have more than one frame
    takes, with the seconds after which to call again.
    """
    found = list(Series.objects.filter(name__in=names, announced__lt=F("head")))
    pauses = {series.name: pause for series in found if (pause := pause_of(series)) > 0}
    ready = [series.pk for series in found if series.name not in pauses]
    return {**pauses, **send_frames(ready)} if ready else pauses


def pause_of(series: Series) -> float:
    """Seconds until the next frame; a clock that was put back does not make it longer."""
    return min(PAUSE, series.framed + PAUSE - time.time())


@transaction.atomic
def send_frames(ids: Collection[int]) -> dict[str, float]:
    """Send one frame of each of these series; returns those that have more."""
    left = {}
    for series in Series.objects.select_for_update().filter(pk__in=ids, announced__lt=F("head")).order_by("pk"):
        if pause_of(series) > 0:
            # Another worker was faster, and more came since.
            left[series.name] = PAUSE
            continue
        if not series.announced:
            send_on_commit(dashboard_group(series.dashboard), wire.text(dashboard_frame(series.dashboard)))
        send_on_commit(series.group, wire.text(next_frame(series)))
        if series.announced < series.head:
            left[series.name] = PAUSE
    return left


def next_frame(series: Series) -> dict[str, object]:
    """The points that come next, and the series moved on by them. It is locked."""
    after = series.announced
    rows = series.points.filter(seq__gt=after).order_by("seq").values_list("seq", "at", "value")[:FRAME_READ]
    points = list(rows)
    # Where the rows are gone (someone deleted them) there is nothing to wait for.
    series.announced = points[-1][0] if len(points) == FRAME_READ else series.head
    series.framed = time.time()
    series.save(update_fields=["announced", "framed"])
    return protocol.points_frame(series.name, after, series.announced, thinned(points, FRAME_POINTS))


def thinned(rows: Collection[tuple[int, float, float]], limit: int) -> list[Point]:
    return thin([(at, value) for _, at, value in rows], limit)


def window_frame(series: Series, since: int, limit: int = WINDOW_READ) -> dict[str, object]:
    """
    What browsers were sent of a series after the number `since`, of the last while. A client that has more than there
    is had a series of that name which was deleted: it gets all there is, after 0.
    """
    since = since if since <= series.announced else 0
    rows = series.points.filter(seq__gt=since, seq__lte=series.announced, at__gte=horizon()).order_by("-seq")
    found = list(rows.values_list("seq", "at", "value")[:limit])
    return protocol.points_frame(series.name, since, series.announced, thinned(found, WINDOW_POINTS))


def series_of(dashboard: str) -> list[Series]:
    """The series that a dashboard shows, by name."""
    return list(Series.objects.filter(dashboard=dashboard).order_by("name")[: boards.SHOWN_LIMIT])


def dashboard_frame(name: str) -> dict[str, object]:
    """The frame that says which charts there are."""
    series = Series.objects.filter(dashboard=name).values_list("name", flat=True)
    keepalive = settings.RELAY_KEEPALIVE_INTERVAL
    heartbeat = min(protocol.HEARTBEAT, keepalive) if keepalive else protocol.HEARTBEAT
    layout = boards.layout(name, series)
    return protocol.dashboard_frame(name, layout, time.time(), settings.CHAT_DASHBOARD_WINDOW, heartbeat)
