"""What an interface server measures."""

import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from relay.metrics import BUCKETS

#: How handshakes end. `application`: a worker refused it. `unavailable`: a worker can't let it in now. `origin`: the
#: page's site may not. `busy`: the layer takes nothing, or this server goes away. `queue_full`: websocket.connect is
#: full. `timeout`: no worker answered in time. `limit`: RELAY_MAX_SOCKETS. `error`: something of ours went wrong.
#: `malformed`: it was no proper handshake. `abandoned`: its client left before the answer.
HANDSHAKE_ENDS = (
    *("accepted", "application", "unavailable", "origin", "busy", "queue_full", "timeout", "limit", "error"),
    *("malformed", "abandoned"),
)
#: Why a socket is closed by its interface server. `slow_reader`: too much waits for it. `too_big`: a message beyond the
#: limit. `garbled`: what it sends is no WebSocket. `silent`: it does not answer pings. `expired`: --websocket_timeout.
EVICTIONS = ("slow_reader", "too_big", "garbled", "silent", "expired")
#: Close codes that are counted by themselves; others by their thousands.
CODES = {*range(1000, 1004), *range(1005, 1015)}

_handshakes = Counter("relay_handshakes", "WebSocket handshakes, by how they ended.", ["outcome"])
HANDSHAKES = {outcome: _handshakes.labels(outcome) for outcome in HANDSHAKE_ENDS}
_evictions = Counter("relay_evictions", "Sockets that their interface server closed, by why.", ["reason"])
EVICTED = {reason: _evictions.labels(reason) for reason in EVICTIONS}
CLOSES = Counter("relay_closes", "Sockets that ended, by close code; 1006: without a word.", ["code"])

END_TO_END = Histogram(
    "relay_end_to_end_seconds",
    "Seconds from when an interface server read a frame until one wrote its broadcast to its sockets, by the wall "
    "clocks of both.",
    buckets=BUCKETS,
)
LAG = Histogram("relay_reactor_lag_seconds", "Seconds by which the reactor is late for a timer.", buckets=BUCKETS)
#: Seconds between two measurements of the lag; and for how long its worst is remembered, at least.
TICK, WINDOW = 0.25, 30.0

#: Of a server: what is read when asked for → the metric, whether it is counted, and what it says.
FIGURES: dict[str, tuple[str, bool, str]] = {
    "requests": ("relay_http_requests_open", False, "HTTP requests that wait for their answer."),
    "waiting": ("relay_uplink_messages", False, "Messages that wait for the channel layer to take them."),
    "waiting_bytes": ("relay_uplink_bytes", False, "And their bytes."),
    "lag": ("relay_reactor_lag_worst_seconds", False, "The worst lag of the last half minute, or minute."),
    "deliveries": ("relay_deliveries", True, "Messages for sockets, once for each socket."),
    "frames": ("relay_frames_read", True, "Messages that were read from sockets."),
    "keepalives": ("relay_keepalives", True, "Times that workers were told that a socket lives."),
    "held_back": ("relay_held_back", True, "Times that a socket that sent too much was not read for a while."),
}


def closed(code: int | None) -> None:
    """A socket has ended."""
    known = code if code in CODES else None
    CLOSES.labels(str(known) if known else "%dxxx" % (code // 1000) if code else "none").inc()


class Pulse:
    """How late the reactor is: it is told a time, and looks when it gets there."""

    def __init__(self, call_later: Callable[..., Any]):
        self.call_later = call_later
        self.due = 0.0
        #: The worst of this window, and of the one before.
        self.here = self.before = 0.0
        self.window_ends = 0.0
        self.stopped = False

    def start(self) -> None:
        self.due = time.monotonic() + TICK
        self.call_later(TICK, self.beat)

    def beat(self) -> None:
        now = time.monotonic()
        lag = max(0.0, now - self.due)
        LAG.observe(lag)
        if now >= self.window_ends:
            self.before, self.here, self.window_ends = self.here, 0.0, now + WINDOW
        self.here = max(self.here, lag)
        if not self.stopped:
            self.start()

    @property
    def worst(self) -> float:
        """Whoever asks, and however often: so it does not depend on when the last scrape was."""
        return max(self.here, self.before, time.monotonic() - self.due if self.due else 0.0)


class Servers:
    """A collector of what the interface servers of this process have counted anyway."""

    def __init__(self) -> None:
        self.servers: weakref.WeakSet[Any] = weakref.WeakSet()

    def add(self, server: Any) -> None:
        self.servers.add(server)

    def collect(self) -> Iterator[Metric]:
        figures = [server.figures() for server in list(self.servers)]
        if not figures:
            return
        sockets = GaugeMetricFamily("relay_sockets", "Sockets that are here, by state.", labels=["state"])
        for state in ("open", "connecting"):
            sockets.add_metric([state], sum(each[state] for each in figures))
        yield sockets
        for field, (name, counted, text) in FIGURES.items():
            family = CounterMetricFamily if counted else GaugeMetricFamily
            # Of several servers the worst lag; they share the reactor.
            yield family(name, text, value=(max if field == "lag" else sum)(each[field] for each in figures))


SERVERS = Servers()
REGISTRY.register(SERVERS)
