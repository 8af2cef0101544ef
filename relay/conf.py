"""
Every tunable of relay, read from Django settings as `RELAY_<NAME>`.

Each constant below is the default; `get("KEEPALIVE_INTERVAL")` is the value in force.
"""

from typing import Any

from django.conf import settings

#: Seconds between two `websocket.keepalive` messages of one open socket. 0: none are sent.
KEEPALIVE_INTERVAL = 20

#: Bytes of one WebSocket message, in or out; a larger incoming one closes its socket with 1009. 0: no limit.
MAX_MESSAGE_BYTES = 1024 * 1024

#: Seconds after which the turn of a crashed `linearize` holder ends. A living holder renews it three times as often.
TURN_LEASE = 10.0

#: Seconds that messages waiting for their turn are kept if nobody ever comes for them.
TURN_EXPIRY = 3600


def get(name: str) -> Any:
    """The value of the tunable `name`: the Django setting `RELAY_<name>`, else the default above."""
    return getattr(settings, "RELAY_" + name, globals()[name])
