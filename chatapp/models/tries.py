"""How often somebody tried, and how long they must wait."""

from datetime import UTC, datetime, timedelta

from django.db import models
from django.utils import timezone

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Tries(models.Model):
    """A counter of `chatapp.throttle`: what was tried by whom is in the key, as a hash."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.IntegerField(default=0)
    #: When the first of them was counted.
    begun = models.DateTimeField(default=timezone.now, db_index=True)
    #: Nothing is taken before this moment. Not just now where one need not wait: clocks of processes differ a little.
    until = models.DateTimeField(default=LONG_AGO)

    def __str__(self) -> str:
        return "%s…: %d, until %s" % (self.key[:8], self.count, self.until)

    def note(self, now: datetime, window: float, free: int, longest: float) -> None:
        """One more. The first within so many seconds are free; then each doubles the wait, up to the longest."""
        if not self.count or (now - self.begun).total_seconds() > window:
            self.count, self.begun = 0, now
        self.count += 1
        over = self.count - free
        if over >= 0:
            self.until = now + timedelta(seconds=min(2.0 ** min(over, 30), longest))
        self.save()

    def forgive(self, whole: bool) -> None:
        """One succeeded, and counts no more; nor do those before it, if `whole`."""
        self.count = 0 if whole else max(0, self.count - 1)
        self.until = LONG_AGO
        self.save()

    def wait(self, now: datetime) -> float:
        """Seconds until something is taken again."""
        return max(0.0, (self.until - now).total_seconds())
