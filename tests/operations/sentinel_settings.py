"""The project's settings, with the Redis that Sentinels know: SENTINEL_PORT is one's on this machine."""

import os

from project.settings import *  # noqa: F403
from project.settings import CHANNEL_LAYERS, LAYER, ROUTING

CHANNEL_LAYERS["default"] = {
    "BACKEND": "relay.layers.redis.RedisSentinelChannelLayer",
    "ROUTING": ROUTING,
    "CONFIG": {
        **LAYER,
        "hosts": [("127.0.0.1", int(os.environ["SENTINEL_PORT"]))],
        "services": ["chat"],
        "prefix": os.environ["CHANNEL_PREFIX"],
    },
}
