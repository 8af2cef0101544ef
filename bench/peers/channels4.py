"""A chat on Channels 4: it saves a row for each message, then broadcasts it. For uvicorn: `channels4:application`."""

import os
import secrets
import sys

import django
import environ
from django.conf import settings

DATABASE = environ.Env.db_url_config(os.environ["DATABASE_URL"])
#: What each layer needs. The core layer drops what finds a channel full; the others have no capacity.
CONFIGS = {
    "channels_redis.core.RedisChannelLayer": {"hosts": [os.environ["REDIS_URL"]], "capacity": 10_000},
    "channels_redis.pubsub.RedisPubSubChannelLayer": {"hosts": [os.environ["REDIS_URL"]]},
    # It makes Django's connection from this, without what Django fills in.
    "channels_postgres.core.PostgresChannelLayer": {**DATABASE, "TIME_ZONE": None},
}
DATABASES = {"default": {**DATABASE, "CONN_MAX_AGE": 60}}
INSTALLED_APPS = ["channels"]
if "channels_postgres" in os.environ["LAYER"]:
    INSTALLED_APPS.append("channels_postgres")
    DATABASES["channels_postgres"] = DATABASE

settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=INSTALLED_APPS,
    DATABASES=DATABASES,
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": os.environ["LAYER"],
            "CONFIG": CONFIGS[os.environ["LAYER"]],
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from channels.db import database_sync_to_async  # noqa: E402
from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from django.core.management import call_command  # noqa: E402
from rows import ChatMessage, make_table  # noqa: E402


class Consumer(AsyncWebsocketConsumer):
    async def connect(self):
        self.room = self.scope["path"].strip("/").replace("/", "-")
        self.sender = secrets.token_hex(8)
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.room, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        values = {"room": self.room, "sender": self.sender, "name": self.sender, "client_id": secrets.token_hex(16)}
        await database_sync_to_async(ChatMessage.objects.create)(message=text_data, **values)
        await self.channel_layer.group_send(self.room, {"type": "say", "text": text_data})

    async def say(self, event):
        await self.send(text_data=event["text"])


application = Consumer.as_asgi()

if __name__ == "__main__" and sys.argv[1:] == ["prepare"]:
    make_table()
    if "channels_postgres" in INSTALLED_APPS:
        call_command("migrate", "channels_postgres", verbosity=0)
