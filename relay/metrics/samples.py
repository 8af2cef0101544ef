"""What a registry says, packed for its way through the channel layer."""

import base64
import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client.core import Metric
from prometheus_client.samples import Sample

#: What only holds while its process lives.
MOMENTARY = ("gauge", "info", "stateset", "unknown")


def packed(metrics: Iterable[Metric], last: bool = False) -> str:
    """These as text. `last`: of a process that ends, so only what has been counted."""
    rows = [
        [metric.name, metric.type, metric.documentation, [[s.name, s.labels, s.value] for s in metric.samples]]
        for metric in metrics
        if not (last and metric.type in MOMENTARY)
    ]
    return base64.b64encode(zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)).decode()


def unpacked(text: str) -> list[Metric]:
    """What was packed. Raises ValueError for what was not."""
    try:
        return [metric_of(*row) for row in json.loads(zlib.decompress(base64.b64decode(text)))]
    except (TypeError, zlib.error) as e:
        raise ValueError("These are no samples: %s" % e) from e


def metric_of(name: str, kind: str, documentation: str, samples: list[tuple[str, dict[str, str], float]]) -> Metric:
    metric = Metric(name, documentation, kind)
    metric.samples = [Sample(*sample) for sample in samples]
    return metric


def merged(parts: Iterable[tuple[dict[str, str], Iterable[Metric]]]) -> Iterator[Metric]:
    """
    The metrics of several processes as one, each sample with the labels of its process. Where two releases disagree
    what a metric is, the first one counts.
    """
    found: dict[str, Metric] = {}
    for labels, metrics in parts:
        for metric in metrics:
            whole = found.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
            if whole.type == metric.type:
                whole.samples += [relabelled(sample, labels) for sample in metric.samples]
    yield from found.values()


def relabelled(sample: Any, labels: dict[str, str]) -> Sample:
    return Sample(sample.name, {**sample.labels, **labels}, sample.value)
