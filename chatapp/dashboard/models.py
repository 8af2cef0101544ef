"""Series, the numbered points in them, and who does what only one may do."""

from datetime import timedelta
from typing import Any

from channels import Group
from django.conf import settings
from django.db import models
from django.utils import timezone

from chatapp.dashboard.names import NAME_LIMIT, checked_dashboard, checked_series


class Series(models.Model):
    """
    A series of points, and how far it has got.

    Its row is the lock of what must happen in one order: numbering, and sending to browsers.
    """

    name = models.CharField(max_length=NAME_LIMIT, unique=True)
    #: The first part of the name.
    dashboard = models.CharField(max_length=32, db_index=True, editable=False)
    #: Number of the newest point.
    head = models.BigIntegerField(default=0, editable=False)
    #: Number of the newest point that was sent to browsers.
    announced = models.BigIntegerField(default=0, editable=False)
    #: When that was, in seconds since the epoch.
    framed = models.FloatField(default=0, editable=False)
    #: The account that posted its first point, and against whose quota it counts. None: code of this project, or an
    #: account that is gone; then staff may post.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    #: Whether every account may post to it.
    shared = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "series"

    def __str__(self) -> str:
        return self.name

    def may_be_written_by(self, user: Any) -> bool:
        return self.shared or user.is_staff or self.owner_id == user.pk

    @property
    def group(self) -> Group:
        """Every socket that looks at it."""
        return Group("series-" + checked_series(self.name))


def dashboard_group(name: str) -> Group:
    """Every socket that looks at a dashboard, whatever its series."""
    return Group("dashboard-" + checked_dashboard(name))


class Point(models.Model):
    """A point of a series. It is kept for as long, and for as many points, as the settings say."""

    id = models.BigAutoField(primary_key=True)
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="points", db_index=False)
    #: 1, 2, 3 … in the series, without holes, in commit order.
    seq = models.BigIntegerField()
    #: Seconds since the epoch; later points may have earlier times.
    at = models.FloatField()
    value = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "seq"], name="one_point_a_number")]


class Duty(models.Model):
    """What only one process at a time does, and which. When it is not heard of any more, another takes over."""

    name = models.CharField(max_length=32, primary_key=True)
    holder = models.CharField(max_length=80, blank=True)
    until = models.DateTimeField(default=timezone.now)

    @classmethod
    def claim(cls, name: str, holder: str, seconds: float) -> bool:
        """Have the duty for so long from now, or longer if it is the holder's already; False: it is another's."""
        now = timezone.now()
        until = now + timedelta(seconds=seconds)
        free = models.Q(holder=holder) | models.Q(until__lt=now)
        if cls.objects.filter(free, name=name).update(holder=holder, until=until):
            return True
        if cls.objects.filter(name=name).exists():
            return False
        cls.objects.bulk_create([cls(name=name, holder="", until=now)], ignore_conflicts=True)
        return bool(cls.objects.filter(name=name, holder="").update(holder=holder, until=until))
