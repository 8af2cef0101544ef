"""Messages that were dropped, wherever that happens, by why; and what is delivered again since its reader died."""

from prometheus_client import Counter

#: Why a message is dropped. `full`: its channel stayed full. `unsendable`: no layer would take it. `late`: its socket
#: or request is gone. `undecodable`: nobody can read it. `unsent`: there was no time left to send it. `postponed`: its
#: consumer wanted it later too often, on a layer without leases. `letters`: it failed, and as many dead letters of its
#: channel are kept as may be.
REASONS = ("full", "unsendable", "late", "undecodable", "unsent", "postponed", "letters")

_dropped = Counter("relay_dropped", "Messages that were dropped, by why.", ["reason"])
#: By reason. A series is there from the beginning, so that the first drop is seen as one.
DROPPED = {reason: _dropped.labels(reason) for reason in REASONS}

RELEASED = Counter(
    "relay_lanes_released", "Lanes that were taken from dead readers; their messages are delivered again."
)
