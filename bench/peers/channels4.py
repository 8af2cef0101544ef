"""A chat on Channels 4: it saves a row for each message, then broadcasts it. For uvicorn: `channels4:application`."""

import os
import sys
from pathlib import Path

import django
from django.conf import settings

HERE = Path(os.environ["PEER_FOLDER"])

settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["channels"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / "db.sqlite3", "CONN_MAX_AGE": 60}},
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from channels.db import database_sync_to_async  # noqa: E402
from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from django.db import connection, models  # noqa: E402


class ChatMessage(models.Model):
    room = models.CharField(max_length=64)
    message = models.TextField()
    sent = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "chat"


class Consumer(AsyncWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add("lobby", self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard("lobby", self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        await database_sync_to_async(ChatMessage.objects.create)(room="lobby", message=text_data)
        await self.channel_layer.group_send("lobby", {"type": "say", "text": text_data})

    async def say(self, event):
        await self.send(text_data=event["text"])


application = Consumer.as_asgi()

if __name__ == "__main__" and sys.argv[1:] == ["prepare"]:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode = WAL")
    with connection.schema_editor() as editor:
        editor.create_model(ChatMessage)
