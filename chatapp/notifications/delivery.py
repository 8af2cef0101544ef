"""A worker's part: have a backend deliver, and find what nobody was told of."""

import logging
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from chatapp.notifications import backends
from chatapp.notifications.models import Delivery, Notification
from chatapp.notifications.notify import ask_worker

logger = logging.getLogger(__name__)

#: Seconds after which a worker is told once more of a delivery that none has begun.
FORGOTTEN_AFTER = 30
#: How long notifications are kept that were read, and such that were not.
KEPT_READ, KEPT = timedelta(days=30), timedelta(days=180)


def deliver(number: int) -> None:
    """
    Have it delivered, unless it is done. Raises what the backend raises: the worker tries again, more and more seldom,
    and at last keeps a dead letter.
    """
    begun = Delivery.objects.filter(pk=number, done__lt=F("wanted")).update(tries=F("tries") + 1)
    if not begun:
        return
    delivery = Delivery.objects.select_related("notification__user").get(pk=number)
    backends.named(delivery.backend).deliver(delivery.notification)
    Delivery.objects.filter(pk=number).update(done=delivery.wanted)


def ask_again() -> None:
    """Tell a worker of what was stored by a process that died, or found the channel full, before it could."""
    horizon = timezone.now() - timedelta(seconds=FORGOTTEN_AFTER)
    forgotten = Delivery.objects.filter(tries=0, done__lt=F("wanted"), asked__lt=horizon)
    for delivery in forgotten.select_related("notification")[:1000]:
        # Of several workers that find it, one tells.
        if Delivery.objects.filter(pk=delivery.pk, asked=delivery.asked).update(asked=timezone.now()):
            logger.info("%s was never begun; a worker is told again", delivery)
            ask_worker(delivery, delivery.notification.user_id)


def forget_old() -> None:
    """Delete notifications that were read long ago, or that nobody will read any more."""
    now = timezone.now()
    Notification.objects.filter(read__lt=now - KEPT_READ).delete()
    Notification.objects.filter(created__lt=now - KEPT).delete()
