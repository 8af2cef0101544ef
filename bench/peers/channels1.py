"""A chat on Channels 1.1.8 as its tutorial has it: a row for each message, then a broadcast. Nothing here is ours."""

import os
import secrets

import django
import environ
from django.conf import settings

settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["channels"],
    DATABASES={"default": {**environ.Env.db_url_config(os.environ["DATABASE_URL"]), "CONN_MAX_AGE": 60}},
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "asgi_redis.RedisChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]], "capacity": 10_000},
            "ROUTING": "channels1.routing",
        }
    },
    USE_TZ=True,
)
django.setup()

from channels import Group, channel_layers, route  # noqa: E402
from channels.worker import Worker  # noqa: E402
from rows import ChatMessage  # noqa: E402


def room_of(message):
    return message["path"].strip("/").replace("/", "-")


def connect(message):
    message.reply_channel.send({"accept": True})
    Group(room_of(message)).add(message.reply_channel)


def receive(message):
    values = {"sender": "a" * 16, "name": "a" * 16, "client_id": secrets.token_hex(16)}
    ChatMessage.objects.create(room=room_of(message), message=message["text"], **values)
    Group(room_of(message)).send({"text": message["text"]})


def leave(message):
    Group(room_of(message)).discard(message.reply_channel)


routing = [
    route("websocket.connect", connect),
    route("websocket.receive", receive),
    route("websocket.disconnect", leave),
]

# Once the routes are there: it looks for them.
channel_layer = channel_layers["default"]


def work():
    Worker(channel_layer).run()
