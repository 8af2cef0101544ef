"""
Points are stored as the next of their series, and forgotten when they are old or too many.

`record("garden.soil", 41.5)` is all that code of this project needs to put a point on a dashboard.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from channels import Channel
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from chatapp.dashboard.exceptions import DashboardError
from chatapp.dashboard.models import Point, Series
from chatapp.dashboard.names import SERVICE, checked_series, dashboard_of
from chatapp.quotas import one_at_a_time
from relay.outbox import send_on_commit

logger = logging.getLogger(__name__)

#: The channel on which workers hear that a series has points for browsers.
CHANNEL = "dashboard-points"
#: Series of all dashboards at most, without the service's own: each costs a row, and a window of points.
SERIES_LIMIT = 1000
#: Points of a series between two clean-ups.
TRIM_EVERY = 200

#: A time in seconds since the epoch, and a value.
Pair = tuple[float, float]


def record(series: str, value: float, at: float | None = None) -> None:
    """
    Put a point on a dashboard, from anywhere in the project; `at`: seconds since the epoch, now if it isn't said. It is
    stored when this returns (or the transaction commits); browsers show it at once. Raises DashboardError.
    """

    def warn(error: Exception) -> None:
        logger.warning("A point of %s is stored, but no worker could be told: %s", series, error)

    store_and_announce(series, [(time.time() if at is None else at, value)], warn)


def store_and_announce(
    name: str, points: Sequence[Pair], or_else: Callable[[Exception], None], writer: Any = None
) -> None:
    """
    Store points, and have a worker send them to browsers, in the same transaction where the layer can. `or_else` is
    called with what the layer raises; the points are stored anyway, and sent by the keeper.
    """
    with transaction.atomic():
        store({name: points}, writer)
        send_on_commit(Channel(CHANNEL), {"series": name}, or_else=or_else)


def store(found: Mapping[str, Sequence[Pair]], writer: Any = None) -> None:
    """
    Store points of one or several series, in one transaction. writer: the user who posts them, and owns what comes into
    being; None: code of this project. Raises DashboardError for names that can't be, and what the writer may not.
    """
    with transaction.atomic():
        make_missing(found, writer)
        rows = []
        # Always locked in the same order, so that no two wait for each other.
        for series in Series.objects.select_for_update().filter(name__in=found).order_by("pk"):
            if writer is not None and not series.may_be_written_by(writer):
                raise DashboardError("not_your_series")
            before = series.head
            rows += [
                Point(series=series, seq=seq, at=at, value=value)
                for seq, (at, value) in enumerate(found[series.name], before + 1)
            ]
            series.head += len(found[series.name])
            series.save(update_fields=["head"])
            if series.head // TRIM_EVERY != before // TRIM_EVERY:
                trim(series)
        Point.objects.bulk_create(rows)


def make_missing(names: Mapping[str, Sequence[Pair]], owner: Any = None) -> None:
    """Have the series come into being that are not there yet."""
    known = set(Series.objects.filter(name__in=names).values_list("name", flat=True))
    missing = [
        Series(name=checked_series(name), dashboard=dashboard_of(name), owner=owner)
        for name in names
        if name not in known
    ]
    if not missing:
        return
    foreign = [series for series in missing if series.dashboard != SERVICE]
    if foreign and Series.objects.exclude(dashboard=SERVICE).count() + len(foreign) > SERIES_LIMIT:
        raise DashboardError("too_many_series")
    if owner is None or not settings.CHAT_SERIES_PER_USER:
        Series.objects.bulk_create(missing, ignore_conflicts=True)
        return
    with one_at_a_time("series", str(owner.pk)):
        if Series.objects.filter(owner=owner).count() + len(missing) > settings.CHAT_SERIES_PER_USER:
            raise DashboardError("too_many_of_yours")
        Series.objects.bulk_create(missing, ignore_conflicts=True)


def horizon() -> float:
    """Points of before this moment, in seconds since the epoch, are not shown any more."""
    return time.time() - settings.CHAT_DASHBOARD_WINDOW


def trim(series: Series) -> None:
    """Forget what is old or too much; not what browsers have not been sent yet."""
    old = Q(at__lt=horizon()) | Q(seq__lte=series.head - settings.CHAT_DASHBOARD_POINTS)
    series.points.filter(old, seq__lte=series.announced).delete()


def stragglers(limit: int) -> list[str]:
    """Series with points that browsers have not been sent, so many at most."""
    return list(Series.objects.filter(announced__lt=F("head")).values_list("name", flat=True)[:limit])
