"""Notifications, and how far their deliveries are."""

import json
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone


class Notification(models.Model):
    """
    Something that a user should know. The same `key` of the same source is the same notification; that may come anew,
    and is unread again then.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    key = models.CharField(max_length=120)
    #: What it comes from ("chat"), of what kind it is ("mention"), what happened ("mentioned"), and to what ("room:a").
    source = models.CharField(max_length=40)
    category = models.CharField(max_length=40)
    action = models.CharField(max_length=40)
    object = models.CharField(max_length=120, blank=True)
    #: For the user, in one line.
    text = models.CharField(max_length=300)
    #: Where it leads, within this site.
    url = models.CharField(max_length=300, blank=True)
    extra_json = models.TextField(default="{}")
    #: When it came, or came anew.
    created = models.DateTimeField(default=timezone.now)
    #: The key of the sender who caused it, for the limit of what one sender causes for one user. Empty: nobody.
    by = models.CharField(max_length=80, blank=True)
    read = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created", "-id"]
        constraints = [models.UniqueConstraint(fields=["user", "source", "key"], name="one_notification_a_key")]
        indexes = [
            models.Index(fields=["user", "read", "object"], name="what_is_unread"),
            models.Index(fields=["user", "created"], name="newest_notifications"),
            models.Index(fields=["user", "by", "created"], name="who_causes_much"),
            models.Index(fields=["object"], condition=models.Q(read=None), name="who_knows_of_it"),
            models.Index(fields=["created"], name="old_notifications"),
            models.Index(fields=["read"], name="read_notifications"),
        ]

    def __str__(self) -> str:
        return "%s for user %d" % (self.key, self.user_id)

    @property
    def extra(self) -> dict[str, Any]:
        """What else the source says, as JSON has it."""
        return json.loads(self.extra_json)


class Delivery(models.Model):
    """
    A notification on its way through one backend. It is there before anything is sent, so that it is sent in the end
    though a process dies in between, or the channel layer loses what it had.
    """

    id = models.BigAutoField(primary_key=True)
    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="deliveries")
    backend = models.CharField(max_length=120)
    #: How often it was to be delivered, and which of these times was the last that is done.
    wanted = models.PositiveIntegerField(default=1)
    done = models.PositiveIntegerField(default=0)
    #: When a worker is told (again) unless it is done by then, and how often that happened. None: it is done, or given
    #: up.
    due = models.DateTimeField(null=True, db_index=True)
    asks = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["notification", "backend"], name="one_delivery_a_backend")]

    def __str__(self) -> str:
        return "%s by %s" % (self.notification, self.backend)


class Digest(models.Model):
    """When a backend that does not tell a user of each notification told one the last time."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False)
    backend = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "backend"], name="one_digest_a_backend")]
