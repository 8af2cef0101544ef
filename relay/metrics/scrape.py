"""One scrape: what all living processes have told, and how the channel layer does."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.utils.module_loading import import_string
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from relay import conf
from relay.layers import leases
from relay.layers.delivery import ChannelStatus
from relay.metrics.herald import HERE
from relay.metrics.samples import merged, unpacked

logger = logging.getLogger(__name__)

#: What stands for all queues of interface processes, whose names are made up anew, and for channels without a consumer.
REPLIES, OTHERS = "replies", "others"
#: Of a channel: field of its status → the metric, and what it says.
GAUGES = {
    "depth": ("relay_channel_depth", "Messages that wait and nobody has taken."),
    "age": ("relay_channel_age_seconds", "Seconds that the oldest of them has been waiting."),
    "in_flight": ("relay_channel_in_flight", "Messages that workers have taken and not acknowledged."),
    "dead": ("relay_channel_dead_letters", "Dead letters that lie there."),
}
COUNTERS = {
    "sent": ("relay_channel_sent", "Messages that were sent."),
    "full": ("relay_channel_refused", "Messages that were refused, since the channel was full."),
    "expired": ("relay_channel_expired", "Messages that expired before anybody took them."),
}


def scraped(layer: Any) -> bytes:
    """All metrics of a deployment, in Prometheus's text format. `layer`: Channels' wrapper of its layer."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Scrape(layer))
    registry.register(Project())
    return generate_latest(registry)


class Scrape:
    """A collector of what the processes of a deployment have told, and of its layer's own figures."""

    def __init__(self, layer: Any):
        self.layer = layer

    def collect(self) -> Iterator[Metric]:
        told: dict[str, dict[str, Any]] = {}
        figures: list[Metric] = []
        up = 1
        if leases(self.layer):
            try:
                told = self.layer.notes("sample")
                figures = [*channels(self.layer), *processes(self.layer)]
            except Exception as e:
                logger.warning("The channel layer could not be asked how it does: %s: %s", type(e).__name__, e)
                up = 0
        yield GaugeMetricFamily("relay_layer_up", "Whether the channel layer answered this scrape.", value=up)
        yield from figures
        yield ages(told)
        yield from merged((labels_of(name, report), metrics_of(name, report)) for name, report in sorted(told.items()))
        if HERE.name not in told:
            yield from merged([(labels_of(HERE.name, {"kind": HERE.kind}), own())])


class Project:
    """A collector of what RELAY_SCRAPED names. A database that is away spoils no scrape."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("relay_scraped_up", "Whether it could be asked for this scrape.", labels=["collector"])
        for name in conf.get("SCRAPED"):
            found, answered = [], 1
            try:
                found = list(import_string(name)().collect())
            except Exception as e:
                logger.warning("%s could not be asked for a scrape: %s: %s", name, type(e).__name__, str(e).strip())
                answered = 0
            yield from found
            up.add_metric([name], answered)
        yield up


def labels_of(name: str, report: dict[str, Any]) -> dict[str, str]:
    return {"process": name, "kind": report["kind"]}


def metrics_of(name: str, report: dict[str, Any]) -> list[Metric]:
    """What a process has told. This one's too: its counters would run back when another answers the next scrape."""
    try:
        return unpacked(report["samples"])
    except ValueError as e:
        logger.warning("What process %s has measured can't be read: %s", name, e)
        return []


def own() -> list[Metric]:
    """What this process has told last, though the layer does not say it; or, if it told nothing, what there is now."""
    return unpacked(HERE.told) if HERE.told else list(REGISTRY.collect())


def ages(told: dict[str, dict[str, Any]]) -> Metric:
    family = GaugeMetricFamily(
        "relay_sample_age_seconds", "Seconds since a process told what it has measured.", labels=["process", "kind"]
    )
    for name, report in sorted(told.items()):
        family.add_metric([name, report["kind"]], max(0.0, time.time() - report["at"]))
    return family


def channels(layer: Any) -> Iterator[Metric]:
    """How each channel does that has a consumer; and all others together."""
    known = layer.router.channels
    rows: dict[str, ChannelStatus] = {name: ChannelStatus(name) for name in (*known, REPLIES, OTHERS)}
    for status in layer.status():
        local = "!" in status.channel or "?" in status.channel
        row = rows[status.channel if status.channel in known else REPLIES if local else OTHERS]
        row.age = max(row.age, status.age)
        for field in ("depth", "in_flight", "sent", "full", "expired", "dead"):
            setattr(row, field, getattr(row, field) + getattr(status, field))
    for field, (name, text) in GAUGES.items():
        gauge = GaugeMetricFamily(name, text, labels=["channel"])
        for channel in sorted(rows):
            gauge.add_metric([channel], getattr(rows[channel], field))
        yield gauge
    for field, (name, text) in COUNTERS.items():
        counter = CounterMetricFamily(name, text, labels=["channel"])
        # What was counted for interface processes that are gone is forgotten: it would look like a new beginning.
        for channel in sorted(rows.keys() - {REPLIES}):
            counter.add_metric([channel], getattr(rows[channel], field))
        yield counter


def processes(layer: Any) -> Iterator[Metric]:
    """Who lives, and how many listen on each channel."""
    workers = layer.notes("worker")
    family = GaugeMetricFamily("relay_processes", "Processes that say that they live.", labels=["kind"])
    family.add_metric(["worker"], len(workers))
    family.add_metric(["interface"], len(layer.notes("interface")))
    yield family
    heard = Counter(channel for report in workers.values() for channel in report["channels"])
    listening = GaugeMetricFamily("relay_channel_workers", "Workers that listen on a channel.", labels=["channel"])
    for channel in sorted(layer.router.channels):
        listening.add_metric([channel], heard[channel])
    yield listening
