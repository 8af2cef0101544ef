"""What lets one socket in, once, within half a minute: a ticket."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models

from chatapp import clock
from chatapp.identity import Login

#: Tickets of one user that may wait to be used: a hundred tabs may come back at once.
TICKETS_LIMIT = 100


def ticket_end() -> datetime:
    return clock.now() + timedelta(seconds=settings.CHAT_TICKET_LIFETIME)


class Ticket(models.Model):
    """
    The permission of a user to open one socket, in one room if it names one. It stands for the login that it was made
    with, and is worth nothing without that. Kept is only a hash: who reads the table can open nothing.
    """

    id = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    #: See `identity.Login`.
    login = models.CharField(max_length=40)
    expires = models.DateTimeField(null=True)
    #: Django's hash of the password, as login sessions have it.
    password_mark = models.CharField(max_length=128)
    #: Empty: any.
    room = models.CharField(max_length=64, blank=True)
    ends = models.DateTimeField(default=ticket_end, db_index=True)
    #: The reply channel of the socket that came with it. Empty: none yet.
    used_by = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        return "%s, until %s" % (self.user, self.ends)

    @classmethod
    def make(cls, user: Any, login: Login, room: str = "") -> str:
        """A new ticket, as its owner gets it."""
        text = secrets.token_urlsafe(32)
        mark = user.get_session_auth_hash()
        cls.objects.create(
            pk=digest(text), user=user, login=login.key, expires=login.expires, password_mark=mark, room=room
        )
        return text

    @classmethod
    def waiting(cls, user: Any) -> int:
        """How many tickets of a user were not used yet."""
        return cls.objects.filter(user=user, used_by="", ends__gt=clock.now()).count()

    @classmethod
    def spend(cls, text: str, channel: str, room: str) -> "Ticket | None":
        """
        The ticket, if it is good for this room and was not used by another socket; from now on it is this one's.

        One statement takes it, so of several workers one gets it. It is marked and not deleted: a worker may die when
        it has taken the ticket and let nobody in, and the next one, which gets the same message again, must find it.
        """
        unused = models.Q(used_by="") | models.Q(used_by=channel)
        named = cls.objects.filter(pk=digest(text), ends__gt=clock.now(), room__in={"", room})
        if not named.filter(unused).update(used_by=channel):
            return None
        return named.select_related("user").first()


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
