"""
The smallest application: it accepts every socket into the group of its path, and sends what one says to all of it.

    REDIS_URL=... python -m relay.daphne bench.plain:channel_layer
    REDIS_URL=... python -c 'import bench.plain; bench.plain.work()'
"""

import os

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="bench",
    INSTALLED_APPS=["relay", "channels"],
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "relay.layers.redis.RedisChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]], "prefix": "plain:", "capacity": 100_000},
            "ROUTING": "bench.plain.routing",
        }
    },
    RELAY_FRAME_RATE=0,
)
django.setup()

from channels import Group, channel_layers, route  # noqa: E402
from channels.message import Message  # noqa: E402
from channels.worker import Worker  # noqa: E402


def group(message: Message) -> Group:
    return Group(message["path"].strip("/"))


def connect(message: Message) -> None:
    message.reply_channel.send({"accept": True})
    group(message).add(message.reply_channel)


def receive(message: Message) -> None:
    group(message).send({"text": message["text"]})


def leave(message: Message) -> None:
    group(message).discard(message.reply_channel)


routing = [
    route("websocket.connect", connect),
    route("websocket.receive", receive),
    route("websocket.keepalive", lambda message: None),
    route("websocket.disconnect", leave),
]

# Once the routes are there: it looks for them.
channel_layer = channel_layers["default"]


def work() -> None:
    Worker(channel_layer).run()
