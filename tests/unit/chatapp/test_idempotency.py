"""Effects that a request has once, however often it is delivered (C1)."""

import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client

from chatapp import clock, idempotency, sweeper
from chatapp.exceptions import ClientError
from chatapp.idempotency import find, once
from chatapp.models import IdempotencyKey, Room

ON_BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


def asked(delivery_id):
    """Enough of a request for those who only ask for its delivery."""
    return SimpleNamespace(delivery_id=delivery_id)


@ON_BOTH
def test_an_effect_happens_once_and_a_repeat_gets_its_result(database):
    """C1"""
    ran = []

    def effect():
        ran.append(1)
        return "seven"

    assert [once(asked("a"), "test", effect) for _ in range(3)] == ["seven"] * 3
    assert len(ran) == 1
    assert find(asked("a"), "test") == "seven"


def test_another_request_and_another_purpose_are_other_keys(database):
    ran = []
    for delivery, purpose in [("a", "one"), ("a", "two"), ("b", "one")]:
        once(asked(delivery), purpose, lambda: ran.append(1) or "")
    assert len(ran) == 3
    assert find(asked("b"), "two") is None


@ON_BOTH
def test_an_effect_that_failed_leaves_no_key_and_can_be_tried_again(database):
    """C1: both are there, or neither."""

    def fail():
        Room.objects.create(slug="half")
        raise ClientError("no_entry")

    with pytest.raises(ClientError):
        once(asked("a"), "test", fail)
    assert not Room.objects.exists()
    assert find(asked("a"), "test") is None
    assert once(asked("a"), "test", lambda: "now") == "now"


def test_a_request_that_comes_only_once_needs_no_key(database):
    """Django's test client and WSGI know of no deliveries; a foreign layer gives its messages no id."""
    for request in (object(), asked("")):
        assert [once(request, "test", lambda: "done") for _ in range(2)] == ["done"] * 2
        assert find(request, "test") is None
    assert not IdempotencyKey.objects.exists()


@ON_BOTH
@pytest.mark.parametrize("commits", [True, False], ids=["commits", "rolls-back"])
def test_of_two_deliveries_at_once_the_second_waits_for_the_first(database, commits):
    """C1: it finds what that one did, or does it itself."""
    begun, go_on = threading.Event(), threading.Event()
    results = []

    def first_effect():
        begun.set()
        assert go_on.wait(20)
        if not commits:
            raise ClientError("no_entry")
        return "first"

    def run(effect):
        try:
            results.append(once(asked("a"), "test", effect))
        except ClientError:
            results.append("failed")
        connection.close()

    first = threading.Thread(target=run, args=(first_effect,))
    first.start()
    assert begun.wait(20)
    second = threading.Thread(target=run, args=(lambda: "second",))
    second.start()
    second.join(0.3)
    assert second.is_alive(), "it waits"
    go_on.set()
    first.join(20)
    second.join(20)
    assert sorted(results) == sorted(["first", "first"] if commits else ["failed", "second"])


@ON_BOTH
def test_keys_are_forgotten_after_their_time(database, monkeypatch):
    monkeypatch.setattr("chatapp.models.idempotency.FORGOTTEN", 2)
    for number in range(5):
        once(asked(str(number)), "short", lambda: "", timedelta(hours=1))
    once(asked("a"), "test", lambda: "")
    now = clock.now()
    for hours, left in [(0.9, 6), (1.1, 1), (23.9, 1), (24.1, 0)]:
        monkeypatch.setattr(clock, "now", lambda hours=hours: now + timedelta(hours=hours))
        sweeper.forget_expired()
        assert IdempotencyKey.objects.count() == left


def test_a_request_knows_its_delivery_and_django_elsewhere_none(database, layer):
    assert idempotency.delivery_id(asked("a")) == "a"
    assert idempotency.delivery_id(Client().get("/healthz").wsgi_request) == ""
