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
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import close_old_connections, connections
from django.db.models import F, Max

from chatapp import clock, doors, ledger, logins, mentions, metrics, quotas, throttle
from chatapp.models import ChatMessage, Grant, IdempotencyKey, Presence, Room, Ticket
from chatapp.notifications import delivery

logger = logging.getLogger(__name__)

#: Seconds between two sweeps for rooms with something to broadcast. Each takes up to half more, so that workers differ.
ANNOUNCE_INTERVAL = 1.0
#: Seconds between two sweeps for what has expired.
FORGET_INTERVAL = 60.0
#: And for notifications that are old.
FORGET_OLD_INTERVAL = 3600.0
#: How long what canaries say is kept: they hear it within seconds, or ask for it when they are back.
CANARY_AGE = timedelta(hours=1)

#: Rooms of one sweep that have something to broadcast.
STRAGGLERS_LIMIT = 1000

_lock = threading.Lock()
_thread: threading.Thread | None = None
#: Steps that failed the last time.
_failing: set[str] = set()


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
            attempt(forget_if_certain)
            attempt(quotas.forget_empty_rooms)
        if time.monotonic() >= forget_old_at:
            forget_old_at = time.monotonic() + FORGET_OLD_INTERVAL
            attempt(delivery.forget_old)


def attempt(step: Callable[[], None]) -> None:
    """What fails is tried again when its time comes; the log hears of it once, and when it works again."""
    what = step.__name__.replace("_", " ")
    try:
        step()
    except Exception:
        if what not in _failing:
            logger.exception("The sweeper could not %s; it tries again until it can", what)
        _failing.add(what)
        # The next try has a new one: this may lead to a server that only reads, after a failover.
        connections.close_all()
    else:
        if what in _failing:
            logger.warning("The sweeper can %s again", what)
        _failing.discard(what)


def announce_stragglers() -> None:
    """Broadcast what was left in any room. What is wrong with one room holds up no other."""
    for room in Room.objects.filter(announced__lt=F("head")).order_by("pk")[:STRAGGLERS_LIMIT]:
        try:
            # What is just stored looks the same, until its own worker broadcasts it.
            if ledger.announce(room):
                metrics.REPAIRS["straggler"].inc()
        except Exception:
            logger.exception("Room %s could not be swept; it is tried again", room.slug)


class Doubt:
    """Whether sockets could not be heard of though they live: then nobody may be taken for gone."""

    def __init__(self) -> None:
        self.since = time.monotonic()

    def is_over(self) -> bool:
        """
        Not before every socket has had the time to be heard of: since this process began, since the clock jumped, and
        since someone was heard of again after nobody was (the layer, or all workers, were away).
        """
        newest = Presence.objects.aggregate(newest=Max("seen"))["newest"]
        if newest is not None and newest < Presence.horizon():
            self.since = time.monotonic()
        return time.monotonic() - max(self.since, clock.clock.jumped_at) >= Presence.expiry().total_seconds()


doubt = Doubt()


def forget_if_certain() -> None:
    if doubt.is_over():
        forget_expired()


def forget_expired() -> None:
    """Delete the presence of sockets that were not renewed for twice their time, and whatever else has expired."""
    now = clock.now()
    gone, _ = Presence.objects.filter(seen__lt=now - 2 * Presence.expiry()).delete()
    metrics.REPAIRS["forgotten"].inc(gone)
    if gone:
        logger.info("%d sockets were not heard of any more and are forgotten", gone)
    Session.objects.filter(expire_date__lt=now).delete()
    Grant.objects.filter(ends__lt=now).delete()
    Ticket.objects.filter(ends__lt=now).delete()
    IdempotencyKey.forget()
    throttle.forget()
    ChatMessage.objects.filter(room__slug=doors.CANARY, sent__lt=now - CANARY_AGE).delete()
