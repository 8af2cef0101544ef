"""
What the processes of a deployment measure, and how one scrape gets it all.

Metrics are prometheus_client's, on its own registry: what a project defines there comes along. Each process tells its
channel layer every few seconds what it has measured (`herald`); whoever answers `/metrics` reads what all have told
(`scrape`). So it needs no address for each process, and works behind a platform's router. `--metrics-port` shows one
process's own (`port`), also when the layer is away.

No label has values without bound: no reply channels, groups, people. `docs/metrics.md` has a row for each metric.
"""

from prometheus_client import disable_created_metrics

#: Seconds. What is fast takes a millisecond, and what takes half a minute has failed.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

# When each series began is a series more for each, and nobody reads them.
disable_created_metrics()
