"""Make a notification: for any code, in a consumer, a view, a command or a shell."""

import json
import logging
import uuid
from typing import Any

from channels import Channel
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from chatapp.notifications import backends
from chatapp.notifications.models import Delivery, Notification
from relay.outbox import send_on_commit

logger = logging.getLogger(__name__)

#: Where a worker delivers.
CHANNEL = "notifications"


def notify(
    user: Any,
    *,
    source: str,
    category: str,
    action: str,
    text: str,
    object: str = "",
    url: str = "",
    extra: dict[str, Any] | None = None,
    key: str = "",
    renew: bool = False,
) -> Notification:
    """
    Store a notification for a user, and have the backends deliver it once the transaction is committed.

    text: one line for the user, cut to 300 characters. url: where it leads, within this site. extra: as JSON has it.
    key: the same one again is the same notification: it is returned as it is, and nothing is sent; without, each is
    another. renew: it comes anew instead, with this text, and is unread again. Socket and list show it; backends that
    tell a user only once, such as e-mail, wait until it was read in between.

    Raises ValueError for what the columns do not hold.
    """
    about = {"source": source, "category": category, "action": action, "object": object, "url": url}
    values = {**checked(about), "text": shortened(text), "extra_json": json.dumps(extra or {})}
    named = checked({"key": key or uuid.uuid4().hex})
    with transaction.atomic():
        made, is_new = Notification.objects.get_or_create(user_id=user.pk, **named, defaults=values)
        if is_new:
            ask(made, backends.installed())
        elif renew:
            was_unread = made.read is None
            Notification.objects.filter(pk=made.pk).update(**values, created=timezone.now(), read=None)
            made.refresh_from_db()
            ask(made, {name: one for name, one in backends.installed().items() if one.each_time or not was_unread})
    return made


def ask(notification: Notification, wanted: dict[str, backends.Backend]) -> None:
    """Have it delivered by these backends, where they want to."""
    for name, backend in wanted.items():
        if not backend.wants(notification):
            continue
        delivery, is_new = Delivery.objects.get_or_create(notification=notification, backend=name)
        if not is_new:
            again = {"wanted": F("wanted") + 1, "tries": 0, "asked": timezone.now()}
            Delivery.objects.filter(pk=delivery.pk).update(**again)
        ask_worker(delivery, notification.user_id)


def ask_worker(delivery: Delivery, user_id: int) -> None:
    """
    Tell a worker of a delivery. What is for one user by one backend stays in its order; a slow backend holds up no
    other.
    """

    def warn(error: Exception) -> None:
        logger.warning("%s is stored, but no worker could be told (%s); that is tried again", delivery, error)

    lane = "%s:%d" % (delivery.backend, user_id)
    send_on_commit(Channel(CHANNEL), {"delivery": delivery.pk, "lane": lane}, or_else=warn)


def checked(values: dict[str, Any]) -> dict[str, str]:
    """The values, if their columns hold them. Raises ValueError."""
    for name, value in values.items():
        limit = Notification._meta.get_field(name).max_length
        if not isinstance(value, str) or len(value) > limit or "\0" in value:
            raise ValueError("%s must be text of up to %d characters without NUL" % (name, limit))
    return values


def shortened(text: Any) -> str:
    """A text that is not too long for its column. Raises ValueError."""
    limit = Notification._meta.get_field("text").max_length
    if not isinstance(text, str) or "\0" in text:
        raise ValueError("text must be text without NUL")
    return text if len(text) <= limit else text[: limit - 1] + "…"
