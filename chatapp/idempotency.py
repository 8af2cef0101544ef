"""
Requests that the channel layer delivers again have their effect once (C1).

A worker may die after it has committed and before it has answered. The request is then delivered again, with the same
id, which is its idempotency key. The key is stored in the transaction of the effect, together with what the repeat
needs to give the answer that the first delivery would have given.

Another request has another key, even if it says the same: this does not help against double clicks.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction

from chatapp import clock
from chatapp.models import IdempotencyKey

#: How long a key is kept unless its view says otherwise. A request is delivered again within seconds, but a worker that
#: stood still may go on much later, and must then find that another has done its work.
DAY = timedelta(days=1)


def delivery_id(request: Any) -> str:
    """The delivery id of a request of Django or its REST framework; empty for one that is never delivered again."""
    return getattr(request, "delivery_id", "")


def once(request: Any, purpose: str, effect: Callable[[], str], keep: timedelta = DAY) -> str:
    """
    Run `effect` in a transaction, unless an earlier delivery of this request has. Returns what `effect` returned, now
    or then. If it raises, the transaction is rolled back and the key is free again. If two deliveries come at once,
    the second waits for the first.

    purpose: tells apart the effects of one request, and those of different views in the table.
    effect: returns what a repeat needs for its answer, as text.
    keep: how long the key is remembered.
    """
    with transaction.atomic():
        key = key_of(request, purpose)
        # First of all: a delivery that waits here must hold no lock that the other one needs.
        if key and not IdempotencyKey.claim(key, clock.now() + keep):
            return IdempotencyKey.objects.get(pk=key).result
        result = effect()
        if key and result:
            IdempotencyKey.objects.filter(pk=key).update(result=result)
        return result


def find(request: Any, purpose: str) -> str | None:
    """What `once` returned for an earlier delivery of this request, or None if there was none."""
    key = key_of(request, purpose)
    return IdempotencyKey.objects.filter(pk=key).values_list("result", flat=True).first() if key else None


def key_of(request: Any, purpose: str) -> str:
    found = delivery_id(request)
    return "%s:%s" % (purpose, found) if found else ""
