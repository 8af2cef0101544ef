"""What is kept: what was said. And builds, so that there is something to talk about."""

from channels import Channel, Group
from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver

from relay.outbox import send_on_commit

#: The name of a room, as a regular expression.
ROOM = r"[A-Za-z0-9_-]{1,50}"


class ChatMessage(models.Model):
    """Something that somebody said in a room."""

    room = models.CharField(max_length=50, db_index=True)
    name = models.CharField(max_length=50)
    message = models.TextField()
    sent = models.DateTimeField(auto_now_add=True)
    #: Which message on `chat-messages` it came by.
    delivery = models.CharField(max_length=100, unique=True)

    def __str__(self):
        return "%s: %s" % (self.name, self.message)


class Build(models.Model):
    """A build of some program, as a build server might report it."""

    room = models.CharField(max_length=50)
    title = models.CharField(max_length=100)
    passed = models.BooleanField()


def room_group(room):
    """Everybody who is in the room."""
    return Group("models-" + room)


@receiver(post_save, sender=Build)
def announce(instance, created, **kwargs):
    """Tell the room of a build, wherever it was saved: in a view, in the admin, in a shell."""
    if created:
        text = "Build %s %s." % (instance.title, "passed" if instance.passed else "failed")
        message = {"room": instance.room, "name": "signal", "message": text}
        # Not before the row is there for others, and not at all if its transaction is rolled back.
        send_on_commit(Channel("chat-messages"), message)
