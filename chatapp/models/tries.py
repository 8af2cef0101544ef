"""How often somebody tried, and how long they must wait."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone


class Tries(models.Model):
    """
    A counter of `chatapp.throttle`: what was tried by whom is in the key, as a hash. It is forgotten when it is neither
    locked nor was counted for a while.
    """

    key = models.CharField(max_length=64, primary_key=True)
    count = models.IntegerField(default=0)
    last = models.DateTimeField(default=timezone.now, db_index=True)
    #: Nothing is taken before this moment.
    until = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return "%s…: %d, until %s" % (self.key[:8], self.count, self.until)

    def note(self, now: datetime, window: float, free: int, longest: float) -> None:
        """One more. The first within so many seconds are free; then each doubles the wait, up to the longest."""
        if (now - self.last).total_seconds() > window:
            self.count = 0
        self.count += 1
        self.last = now
        over = self.count - free
        if over >= 0:
            self.until = now + timedelta(seconds=min(2.0 ** min(over, 30), longest))
        self.save()

    def wait(self, now: datetime) -> float:
        """Seconds until something is taken again."""
        return max(0.0, (self.until - now).total_seconds())
