"""
A user's notifications as frames: what there is, what came, what is read.

Whoever changes what is unread tells all of the user's sockets, with the number that is left. That happens under a lock
of the user's row, so that the last number that a socket hears is the right one.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

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
        "url": notification.url,
        "extra": notification.extra,
        "created": protocol.iso(notification.created),
        "read": notification.read is not None,
    }


def page_frame(user_id: int, skip: int = 0) -> dict[str, Any]:
    """The newest notifications after the first `skip`, whether there are no older ones, and how many are unread."""
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
    """Tell all open sockets of the user."""
    with only_one(notification.user_id):
        frame = protocol.answer("notification", **described(notification), unread=unread(notification.user_id))
        tell(notification.user_id, frame)


def mark_read(user_id: int, ids: Collection[int] | None = None, object: str | None = None) -> int:
    """
    The user has read these, or what is about that object, or everything. All open sockets are told. Returns how many
    were unread.
    """
    found = Notification.objects.filter(user_id=user_id, read=None)
    if ids is not None:
        found = found.filter(pk__in=ids)
    if object is not None:
        found = found.filter(object=object)
    if not found.exists():
        return 0
    with only_one(user_id):
        changed = list(found.values_list("pk", flat=True))
        Notification.objects.filter(pk__in=changed).update(read=timezone.now())
        if changed:
            tell(user_id, protocol.answer("read", ids=changed, unread=unread(user_id)))
    return len(changed)


@contextmanager
def only_one(user_id: int) -> Iterator[None]:
    """In a transaction, and alone with this user's notifications."""
    with transaction.atomic():
        if connection.features.has_select_for_update:
            list(get_user_model().objects.select_for_update().filter(pk=user_id).values_list("pk"))
        yield


def tell(user_id: int, frame: dict[str, Any]) -> None:
    user_group(user_id).send(protocol.text(frame), immediately=True)
