"""
What the chat does when something happens elsewhere: logged out means out, no two accounts look alike, and workers
sweep.
"""

import logging
from typing import Any

from channels import Channel
from channels.signals import worker_ready
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.db.models.signals import post_save, pre_delete, pre_save
from django.http import HttpRequest

from chatapp import logins, metrics, sweeper
from chatapp.models import Grant
from chatapp.models.names import check_before_saving, claim_at_login, claim_when_saved
from relay.outbox import send_on_commit

logger = logging.getLogger(__name__)


def connect() -> None:
    user_logged_in.connect(claim_at_login)
    user_logged_out.connect(close_after_logout)
    user_login_failed.connect(count_refused)
    pre_save.connect(check_before_saving, sender=get_user_model())
    # First of all: what it refuses to make has no other effect.
    post_save.connect(claim_when_saved, sender=get_user_model())
    post_save.connect(close_if_shut_out, sender=get_user_model())
    post_save.connect(tell_of_new_account, sender=get_user_model())
    pre_delete.connect(close_of_deleted, sender=get_user_model())
    worker_ready.connect(start_sweeper)


def close_after_logout(request: HttpRequest, user: Any = None, **kwargs: Any) -> None:
    """
    Close the sockets of a user who logs out, in every tab and on every device; those still logged in come back.

    Django sends this signal before it ends the session; a socket that came back at once would be let in by it.
    """
    if user is not None:
        Grant.objects.exclude(session_key="").filter(session_key=request.session.session_key or "").delete()
        request.session.flush()
        logins.close_sockets(user.pk)


def count_refused(**kwargs: Any) -> None:
    metrics.LOGINS_REFUSED.inc()


def close_if_shut_out(instance: Any, created: bool, **kwargs: Any) -> None:
    """
    Close the sockets of a user who was banned (made inactive in the admin, or anywhere), or who has another password:
    those that are logged in with it come back. Until it is saved, Django keeps a new password beside its hash; not one
    that it hashes anew, since the user has just logged in with it.
    """
    if not instance.is_active or (not created and instance._password is not None):
        close_after_commit(instance.pk)


def tell_of_new_account(instance: Any, created: bool, raw: bool = False, **kwargs: Any) -> None:
    """Say in the room that CHAT_NEWS_ROOM names, if any, that somebody has an account now."""
    if created and not raw and settings.CHAT_NEWS_ROOM:
        text = "%s has an account now. Welcome!" % instance.get_username()
        message = {"room": settings.CHAT_NEWS_ROOM, "message": text, "sender": "bot:news", "name": "News"}
        send_on_commit(Channel("chat-messages"), message, or_else=warn_of_untold)


def warn_of_untold(error: Exception) -> None:
    logger.warning("The room %s could not be told of a new account: %s", settings.CHAT_NEWS_ROOM, error)


def close_of_deleted(instance: Any, **kwargs: Any) -> None:
    close_after_commit(instance.pk)


def close_after_commit(user_id: int) -> None:
    """Before it, a socket that comes back at once would still be let in."""
    transaction.on_commit(lambda: logins.close_sockets(user_id))


def start_sweeper(**kwargs: Any) -> None:
    sweeper.start()
