"""What is kept: who belongs to a session, and what was said there. Notifications are chatapp's."""

from channels import Group
from django.conf import settings
from django.db import models


class Member(models.Model):
    """Somebody who was in a session of the chat, and wants to know what is said there."""

    session = models.CharField(max_length=50)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    class Meta:
        unique_together = [("session", "user")]


class Post(models.Model):
    """Something that somebody said."""

    session = models.CharField(max_length=50, db_index=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    text = models.TextField()
    #: The message that brought it: if that comes again, it is the same post.
    delivery = models.CharField(max_length=100, unique=True)


def session_group(session):
    """All sockets in a session."""
    return Group("notices-" + session)
