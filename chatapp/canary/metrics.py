"""What the canary tells Prometheus: counts of what became of messages, and how long they took."""

import math

from prometheus_client import Counter, Gauge, Histogram

SENT = Counter("chat_canary_sent", "Messages that this process's canary said.")
ACKNOWLEDGED = Counter("chat_canary_acknowledged", "Those of them that were acknowledged.")
#: By the names of the witness's tally.
TALLY = {
    name: Counter("chat_canary_" + name, text)
    for name, text in {
        "heard": "Messages of all canaries that this one heard for the first time.",
        "repeated": "Messages that came though they were known: harmless.",
        "missed": "Messages that were not there when a later one was known.",
        "mended": "Messages that were missed, and got by asking for them.",
        "lost": "Messages that were missed, and not there when they were asked for. A promise is broken.",
        "doubled": "Messages stored twice, or two under one number. A promise is broken.",
        "inverted": "Messages that came behind a later one. A promise is broken.",
    }.items()
}
UNANSWERED = Gauge("chat_canary_unanswered", "Messages that wait for an acknowledgement for more than 10 seconds.")
CONNECTED = Gauge("chat_canary_connected", "Whether the canary is in its room; NaN where there is none.")
CONNECTED.set(math.nan)
SECONDS = Histogram(
    "chat_canary_seconds",
    "From saying a message until this canary heard it, by the wall clocks of both.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
