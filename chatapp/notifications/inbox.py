"""
A user's notifications as frames: what there is, what came, what is read.

Whoever changes what is unread tells all of the user's sockets, with the number that is left. That happens under a lock
of the user's row, so that the last number that a socket hears is the right one.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from channels import Channel
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.utils import timezone

from chatapp import protocol
from chatapp.identity import user_group
from chatapp.notifications.models import Notification

#: Notifications of one page.
PAGE = 20


def described(notification: Notification) -> dict[str, Any]:
    """What everyone is told of a notification."""
    return {
        "id": notification.pk,
        "source": notification.source,
        "category": notification.category,
        "action": notification.action,
        "object": notification.object,
        "text": notification.text,
        "url": (settings.FORCE_SCRIPT_NAME or "") + notification.url if notification.url else "",
        "extra": notification.extra,
        "created": protocol.iso(notification.created),
        "read": notification.read is not None,
    }


def send_page(reply_channel: Channel, user_id: int, skip: int = 0, **content: Any) -> None:
    """
    Send a socket the newest notifications after the first `skip`, whether there are no older ones, and how many are
    unread. What comes later is pushed later: no socket puts an old page over it.
    """
    with only_one(user_id):
        reply_channel.send({**content, **protocol.text(page_frame(user_id, skip))}, immediately=True)


def page_frame(user_id: int, skip: int = 0) -> dict[str, Any]:
    found = list(Notification.objects.filter(user_id=user_id)[skip : skip + PAGE + 1])
    return protocol.answer(
        "notifications",
        notifications=[described(one) for one in found[:PAGE]],
        complete=len(found) <= PAGE,
        skip=skip,
        unread=unread(user_id),
    )


def unread(user_id: int) -> int:
    return Notification.objects.filter(user_id=user_id, read=None).count()


def push(notification: Notification) -> None:
    """Tell all open sockets of the user, unless it was read meanwhile."""
    with only_one(notification.user_id):
        now = Notification.objects.filter(pk=notification.pk, read=None).first()
        if now is not None:
            tell(now.user_id, protocol.answer("notification", **described(now), unread=unread(now.user_id)))


def mark_read(user_id: int, ids: Collection[int] | None = None, object: str | None = None) -> None:
    """The user has read these, or what is about that object, or everything. All open sockets are told."""
    found = Notification.objects.filter(user_id=user_id, read=None)
    if ids is not None:
        found = found.filter(pk__in=ids)
    if object is not None:
        found = found.filter(object=object)
    if not found.exists():
        return
    with only_one(user_id):
        # What everything is, a socket knows: a list of it might be long.
        changed = None if ids is None and object is None else list(found.values_list("pk", flat=True))
        found.update(read=timezone.now())
        tell(user_id, protocol.answer("read", ids=changed, unread=unread(user_id)))


@contextmanager
def only_one(user_id: int) -> Iterator[None]:
    """In a transaction, and alone with this user's notifications. Rows that name the user can be made meanwhile."""
    users = get_user_model()._meta
    with transaction.atomic():
        if connection.features.has_select_for_update:
            with connection.cursor() as cursor:
                lock = "SELECT 1 FROM %s WHERE %s = %%s FOR NO KEY UPDATE" % (users.db_table, users.pk.column)
                cursor.execute(lock, [user_id])
        yield


def tell(user_id: int, frame: dict[str, Any]) -> None:
    user_group(user_id).send(protocol.text(frame), immediately=True)
