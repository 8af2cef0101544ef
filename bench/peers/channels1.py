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
from django.db import connection, models  # noqa: E402


class ChatMessage(models.Model):
    """The columns and the indexes of Parley's."""

    room = models.CharField(max_length=64)
    sender = models.CharField(max_length=80)
    name = models.CharField(max_length=150)
    message = models.TextField()
    client_id = models.CharField(max_length=64)
    sent = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "chat"
        constraints = [models.UniqueConstraint(fields=["room", "sender", "client_id"], name="each_message_once")]
        indexes = [models.Index(fields=["sender", "sent"], name="rate_of_a_sender")]


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


def prepare():
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode = WAL")
    with connection.schema_editor() as editor:
        editor.create_model(ChatMessage)


def work():
    Worker(channel_layer).run()
