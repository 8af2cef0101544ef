"""
A thread of each worker process that finishes what others left undone.

Every second: broadcast what is stored but was not broadcast, because its worker died in between or because it was saved
where the layer does not reach (a shell beside `runserver`); close sockets whose tokens have ended; tell workers of
notifications that nobody began to deliver. Every minute: forget sockets whose interface server died, and what has
expired; every hour: old notifications.
"""

import logging
import random
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import close_old_connections
from django.db.models import F
from django.utils import timezone

from chatapp import ledger, logins, mentions, metrics
from chatapp.models import Grant, Presence, Room
from chatapp.notifications import delivery

logger = logging.getLogger(__name__)

#: Seconds between two sweeps for rooms with something to broadcast. Each takes up to half more, so that workers differ.
ANNOUNCE_INTERVAL = 1.0
#: Seconds between two sweeps for what has expired.
FORGET_INTERVAL = 60.0
#: And for notifications that are old.
FORGET_OLD_INTERVAL = 3600.0

_lock = threading.Lock()
_thread: threading.Thread | None = None


def start() -> None:
    """Start the thread, once in a process."""
    global _thread
    with _lock:
        if _thread is None and settings.CHAT_SWEEPER:
            mentions.later.runs = True
            _thread = threading.Thread(target=run, name="chat-sweeper", daemon=True)
            _thread.start()


def run() -> None:
    forget_at = forget_old_at = time.monotonic()
    while True:
        time.sleep(ANNOUNCE_INTERVAL * random.uniform(1, 1.5))
        attempt(close_old_connections)
        attempt(announce_stragglers)
        attempt(logins.close_expired)
        attempt(delivery.ask_again)
        attempt(mentions.ask_for_the_rest)
        if time.monotonic() >= forget_at:
            forget_at = time.monotonic() + FORGET_INTERVAL
            attempt(forget_expired)
        if time.monotonic() >= forget_old_at:
            forget_old_at = time.monotonic() + FORGET_OLD_INTERVAL
            attempt(delivery.forget_old)


def attempt(step: Callable[[], None]) -> None:
    try:
        step()
    except Exception:
        logger.exception("The sweeper could not %s; it tries again", step.__name__.replace("_", " "))


def announce_stragglers() -> None:
    """Broadcast what was left in any room. What is wrong with one room holds up no other."""
    for room in Room.objects.filter(announced__lt=F("head")):
        try:
            ledger.announce(room)
            metrics.REPAIRS["straggler"].inc()
        except Exception:
            logger.exception("Room %s could not be swept; it is tried again", room.slug)


def forget_expired() -> None:
    """Delete the presence of sockets that were not renewed for twice their time, expired sessions and ended grants."""
    now = timezone.now()
    gone, _ = Presence.objects.filter(seen__lt=now - 2 * Presence.expiry()).delete()
    metrics.REPAIRS["forgotten"].inc(gone)
    if gone:
        logger.info("%d sockets were not heard of any more and are forgotten", gone)
    Session.objects.filter(expire_date__lt=now).delete()
    Grant.objects.filter(ends__lt=now).delete()
