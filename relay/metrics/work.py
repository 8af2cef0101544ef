"""What a worker measures."""

import functools
import logging
import time
import weakref
from collections import Counter
from collections.abc import Iterator
from typing import Any

from prometheus_client import REGISTRY, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from relay.metrics import BUCKETS
from relay.tally import Tally
from relay.traces import step, steps, trace_of

WAITED = Histogram(
    "relay_queue_wait_seconds",
    "Seconds from the sending of a message until a worker began it, by the layer's clock and the worker's.",
    ["channel"],
    buckets=BUCKETS,
)
CONSUMED = Histogram(
    "relay_consumer_seconds", "Seconds that one call of a consumer took.", ["channel"], buckets=BUCKETS
)

#: Counts of each channel: of the tally's what, as which metric, and what it says.
BY_CHANNEL = {
    "handled": ("relay_messages_handled", "Messages that consumers have handled."),
    "failed": ("relay_messages_failed", "How often a message failed; it is tried again, or becomes a dead letter."),
    "redelivered": (
        "relay_messages_redelivered",
        "Messages that came once more, since they failed or their worker died.",
    ),
}
#: Other counts.
COUNTS = {
    "dead": ("relay_dead_letters", "Messages that were given up here."),
    "waited": ("relay_database_waits", "How often a message was put off, since the database was away or busy."),
    "handed_on": (
        "relay_handed_on",
        "Messages that were left to other workers, for they waited behind a slow consumer.",
    ),
    "busy": ("relay_busy_seconds", "Seconds that threads were at work on messages."),
}


class Workers:
    """A collector of what the workers of this process have counted anyway."""

    def __init__(self) -> None:
        self.workers: weakref.WeakSet[Any] = weakref.WeakSet()
        #: What those have done that have ended.
        self.before = Tally()

    def add(self, worker: Any) -> None:
        self.workers.add(worker)

    def retire(self, worker: Any) -> None:
        """It has ended; what it did stays counted."""
        if worker in self.workers:
            self.workers.discard(worker)
            self.before += worker.tally()

    def collect(self) -> Iterator[Metric]:
        workers = list(self.workers)
        if not workers and not self.before.messages:
            return
        tally = sum((worker.tally() for worker in workers), self.before)
        for field, (name, text) in BY_CHANNEL.items():
            family = CounterMetricFamily(name, text, labels=["channel"])
            counts: Counter[str] = getattr(tally, field)
            channels = {channel for worker in workers for channel in worker.channels}
            for channel in sorted(channels | counts.keys()):
                family.add_metric([channel], counts[channel])
            yield family
        for field, (name, text) in COUNTS.items():
            yield CounterMetricFamily(name, text, value=getattr(tally, field))
        threads = sum(len(worker.crew) for worker in workers)
        yield GaugeMetricFamily("relay_worker_threads", "Threads that handle messages.", value=threads)


WORKERS = Workers()
REGISTRY.register(WORKERS)


@functools.cache
def stopwatches(channel: str) -> tuple[Histogram, Histogram]:
    """
    The histograms of a channel: how long its messages wait, and how long its consumer takes. To find them by their
    labels takes longer than to use them.
    """
    return WAITED.labels(channel), CONSUMED.labels(channel)


def timed(run: Any) -> None:
    """Execute a run of `relay.dispatch`; how long its messages waited, and how long that took, is measured."""
    waited, consumed = stopwatches(run.channel)
    now, told = time.time(), steps.isEnabledFor(logging.DEBUG)
    for delivery in run.deliveries:
        wait = max(0.0, now - (delivery.sent or now))
        if delivery.sent is not None:
            waited.observe(wait)
        if told:
            step(trace_of(delivery.content), "Taken from %s, %.1f ms after it was sent", delivery.channel, 1000 * wait)
    began = time.monotonic()
    run.execute()
    consumed.observe(time.monotonic() - began)
