"""What lets a program in without a password: a grant, which tokens are made from."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from chatapp import clock


def new_grant_id() -> str:
    return uuid.uuid4().hex


def grant_end() -> datetime:
    return clock.now() + timedelta(seconds=settings.CHAT_REFRESH_LIFETIME)


class Grant(models.Model):
    """
    The permission of a user to get tokens, until it ends or is revoked. Tokens name it, so that revoking it ends all of
    them at once; so does another password, as it ends login sessions.
    """

    id = models.CharField(max_length=32, primary_key=True, default=new_grant_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    #: Django's hash of the password, as login sessions have it.
    password_mark = models.CharField(max_length=128, editable=False)
    #: The login session that it was made from: it ends with that. Empty: a password.
    session_key = models.CharField(max_length=40, blank=True, editable=False, db_index=True)
    made = models.DateTimeField(default=timezone.now, editable=False)
    ends = models.DateTimeField(default=grant_end, db_index=True)

    def __str__(self) -> str:
        return "%s, until %s" % (self.user, self.ends)

    @classmethod
    def make(cls, user: Any, session_key: str = "") -> "Grant":
        return cls.objects.create(user=user, password_mark=user.get_session_auth_hash(), session_key=session_key)

    @classmethod
    def too_many(cls, user: Any) -> "list[Grant]":
        """The oldest grants of a user, beyond CHAT_GRANTS_PER_USER."""
        limit = settings.CHAT_GRANTS_PER_USER
        return list(cls.objects.filter(user=user).order_by("-made", "-id")[limit:]) if limit else []

    @classmethod
    def good(cls, grant_id: str) -> "Grant | None":
        """The grant with its user, if both may still come in."""
        grant = cls.objects.select_related("user").filter(pk=grant_id, ends__gt=clock.now()).first()
        if grant is None or not grant.user.is_active or grant.password_mark != grant.user.get_session_auth_hash():
            return None
        return grant
