"""What happens on the channels of a database layer, counted here and written down now and then."""

import threading
import time
from collections import Counter
from collections.abc import Iterable

from django.db import transaction

from relay.exceptions import LayerUnavailable
from relay.layers.database.figures import Figures

#: Seconds after which what was counted is written down.
COUNT_AFTER = 1.0


class Counts:
    """Of one process: it takes the last second's with it when it is killed."""

    def __init__(self, store: Figures):
        self.store = store
        #: (channel, what) → number.
        self.counts: Counter[tuple[str, str]] = Counter()
        self.counted_at = 0.0
        self.counting = threading.Lock()
        #: Held while it is written down: until then, whoever asks would find it nowhere.
        self.writing = threading.Lock()

    def add(self, counted: Iterable[tuple[str, str]]) -> None:
        """Count what happened: (channel, what)."""
        happened = list(counted)
        if self.store.in_transaction:
            # It has not happened before that is committed.
            transaction.on_commit(lambda: self.add(happened), using=self.store.alias)
            return
        with self.counting:
            self.counts.update(happened)
        if time.monotonic() - self.counted_at > COUNT_AFTER:
            self.write()

    def expired(self, expired: Counter[str]) -> None:
        """Count messages that have expired, by channel."""
        self.add((channel, "expired") for channel in expired.elements())

    def write(self, wait: bool = False) -> None:
        """Write down what was counted. Nothing is done where another thread is at it, unless it may be waited for."""
        if not self.writing.acquire(blocking=wait):
            return
        try:
            with self.counting:
                self.counted_at = time.monotonic()
                counts, self.counts = self.counts, Counter()
            if counts:
                self.store.count(counts)
        except LayerUnavailable:
            with self.counting:
                self.counts.update(counts)
        finally:
            self.writing.release()

    def clear(self) -> None:
        with self.counting:
            self.counts.clear()
