"""What the chats on Channels 1 and 4 save. Imported once Django is set up."""

from django.db import connection, models


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


def make_table():
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode = WAL")
    with connection.schema_editor() as editor:
        editor.create_model(ChatMessage)
