"""Make a notification: for any code, in a consumer, a view, a command or a shell."""

import json
import uuid
from typing import Any

from django.db import transaction
from django.utils import timezone

from chatapp.notifications import backends, delivery
from chatapp.notifications.models import Notification


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
    by: str = "",
) -> Notification:
    """
    Store a notification for a user, and have the backends deliver it once the transaction is committed.

    text: one line for the user, cut to 300 characters. url: where it leads, a path below CHAT_URL. extra: any JSON.
    key: the same one of the same source is the same notification: it is returned as it is, and nothing is sent;
    without, each is another. renew: it comes anew instead, with this text, and is unread again. Socket and list show
    it; backends that tell a user only once, such as e-mail, wait until it was read in between.

    by: the key of the sender who caused it, if somebody did.

    Raises ValueError for what the columns do not hold.
    """
    about = {"source": source, "category": category, "action": action, "object": object, "url": local(url), "by": by}
    content = json.dumps(extra or {}, allow_nan=False)
    values = {**checked(about), "text": shortened(text), "extra_json": content}
    identity = {"user_id": user.pk, "source": values.pop("source"), **checked({"key": key or uuid.uuid4().hex})}
    with transaction.atomic():
        made, is_new = Notification.objects.get_or_create(**identity, defaults=values)
        if is_new:
            delivery.ask(made, backends.installed())
        elif renew:
            come_anew(made, values)
    return made


def come_anew(made: Notification, values: dict[str, str]) -> None:
    """Have it be unread again, with these values, and delivered by the backends that the user needs to be told by."""
    was_unread = made.read is None
    Notification.objects.filter(pk=made.pk).update(**values, created=timezone.now(), read=None)
    made.refresh_from_db()
    delivery.ask(made, {name: one for name, one in backends.installed().items() if one.each_time or not was_unread})


def checked(values: dict[str, Any]) -> dict[str, str]:
    """The values, if their columns hold them. Raises ValueError."""
    for name, value in values.items():
        limit = Notification._meta.get_field(name).max_length
        if not isinstance(value, str) or len(value) > limit or "\0" in value:
            raise ValueError("%s must be text of up to %d characters without NUL" % (name, limit))
    return values


def local(url: str) -> str:
    """The URL, if it is a path of this site. Raises ValueError."""
    if url and (not url.startswith("/") or url[1:2] in ("/", "\\")):
        raise ValueError("url must be a path of this site, such as /chat/lobby/")
    return url


def shortened(text: Any) -> str:
    """A text that is not too long for its column. Raises ValueError."""
    limit = Notification._meta.get_field("text").max_length
    if not isinstance(text, str) or "\0" in text:
        raise ValueError("text must be text without NUL")
    return text if len(text) <= limit else text[: limit - 1] + "…"
