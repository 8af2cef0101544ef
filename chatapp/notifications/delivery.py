"""
How a notification gets to its backends.

`ask` stores what is to be delivered, and tells a worker, which calls `deliver`. What fails comes again by the channel's
own back-off, and at last is a dead letter. What no worker was told of, or what the layer has lost, is found by the
sweeper when it is due. A backend may want to wait first; then the sweeper is the first to tell.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta

from channels import Channel
from django.db.models import F
from django.utils import timezone

from chatapp.notifications import backends
from chatapp.notifications.models import Delivery, Digest, Notification
from relay.outbox import send_on_commit

logger = logging.getLogger(__name__)

#: Where workers are told: of what is quick, and of what waits for other people's servers.
QUICK, SLOW = "notifications", "notifications-out"
#: Seconds after which a worker is told again of what nobody began; doubled each time, so many times.
FORGOTTEN_AFTER, ASKS = 30, 12
#: Seconds after which one is told again of what failed: longer than any rest between two tries (RELAY_RESTS).
LOST_AFTER = 1800
#: Notifications that one digest names, and that it counts.
DIGEST_LIMIT, DIGEST_READ = 20, 500
#: How long notifications are kept that were read, and such that were not.
KEPT_READ, KEPT = timedelta(days=30), timedelta(days=180)


def ask(notification: Notification, wanted: Mapping[str, backends.Backend]) -> None:
    """Have it delivered by these backends, where they want to."""
    for name, backend in wanted.items():
        if not backend.wants(notification):
            continue
        due = timezone.now() + timedelta(seconds=backend.delay or FORGOTTEN_AFTER)
        delivery, is_new = Delivery.objects.get_or_create(
            notification=notification, backend=name, defaults={"due": due}
        )
        if not is_new:
            Delivery.objects.filter(pk=delivery.pk).update(wanted=F("wanted") + 1, due=due, asks=0)
        if not backend.delay:
            tell_worker(delivery)


def tell_worker(delivery: Delivery) -> None:
    """
    Tell a worker of a delivery. What is for one user by one backend stays in its order; a slow backend holds up no
    other.
    """

    def warn(error: Exception) -> None:
        logger.warning("%s is stored, but no worker could be told (%s); that is tried again", delivery, error)

    channel = Channel(SLOW if backends.named(delivery.backend).slow else QUICK)
    lane = "%s:%d" % (delivery.backend, delivery.notification.user_id)
    send_on_commit(channel, {"delivery": delivery.pk, "lane": lane}, or_else=warn)


def deliver(number: int, is_last: bool = False) -> None:
    """
    Have it delivered, unless it is done or was read. Raises what the backend raises. is_last: it will not be tried
    again, but by hand.
    """
    due = None if is_last else timezone.now() + timedelta(seconds=LOST_AFTER)
    if not Delivery.objects.filter(pk=number, done__lt=F("wanted")).update(due=due):
        return
    delivery = Delivery.objects.select_related("notification__user").get(pk=number)
    backend = backends.named(delivery.backend)
    if delivery.notification.read is None and not backend.is_time(delivery.notification):
        later = timezone.now() + timedelta(seconds=backend.delay or FORGOTTEN_AFTER)
        Delivery.objects.filter(pk=number).update(due=later, asks=0)
        return
    if delivery.notification.read is not None:
        note_done([delivery])
    elif backend.pause:
        deliver_digest(delivery, backend)
    else:
        backend.deliver(delivery.notification, delivery.wanted)
        note_done([delivery])


def deliver_digest(delivery: Delivery, backend: backends.Backend) -> None:
    """
    Have a user told of all that waits for this backend, or of nothing yet if it told that user a short while ago. One
    user's deliveries by one backend are handled one after the other, so there are never two at once.
    """
    user_id, now = delivery.notification.user_id, timezone.now()
    told = Digest.objects.filter(user_id=user_id, backend=delivery.backend).first()
    if told is not None and told.at + timedelta(seconds=backend.pause) > now:
        due = told.at + timedelta(seconds=backend.pause)
        Delivery.objects.filter(pk=delivery.pk).update(due=due, asks=0)
        return
    waiting = Delivery.objects.filter(
        backend=delivery.backend, done__lt=F("wanted"), notification__user_id=user_id, notification__read=None
    )
    found = list(waiting.select_related("notification__user").order_by("pk")[:DIGEST_READ])
    backend.deliver_all([one.notification for one in found[:DIGEST_LIMIT]], max(0, len(found) - DIGEST_LIMIT))
    # First of all: if this process dies now, nobody sends it all once more for as long.
    Digest.objects.update_or_create(user_id=user_id, backend=delivery.backend, defaults={"at": timezone.now()})
    note_done(found)


def note_done(deliveries: Sequence[Delivery]) -> None:
    """They need not be delivered again, unless their notifications came anew meanwhile."""
    for delivery in deliveries:
        Delivery.objects.filter(pk=delivery.pk).update(done=delivery.wanted)
        Delivery.objects.filter(pk=delivery.pk, wanted=delivery.wanted).update(due=None)


def ask_again() -> None:
    """Tell a worker of what is due: it was to wait, or the process died that was to tell, or the layer lost it."""
    now = timezone.now()
    for delivery in Delivery.objects.filter(due__lte=now, done__lt=F("wanted")).select_related("notification")[:500]:
        pause = timedelta(seconds=FORGOTTEN_AFTER * 2**delivery.asks)
        due = now + pause if delivery.asks < ASKS else None
        # Of several workers that find it, one tells.
        if Delivery.objects.filter(pk=delivery.pk, due=delivery.due).update(due=due, asks=F("asks") + 1):
            tell_worker(delivery)


def forget_old() -> None:
    """Delete notifications that were read long ago, or that nobody will read any more."""
    now = timezone.now()
    Notification.objects.filter(read__lt=now - KEPT_READ).delete()
    Notification.objects.filter(created__lt=now - KEPT).delete()
