"""Many who guess at once, on every database: what is free for one is free once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test import RequestFactory

from chatapp import throttle
from chatapp.exceptions import ClientError
from chatapp.identity import Login
from chatapp.models import Ticket, Tries
from tests.chat import log_in

CROWD = 8


def at_once(function, crowd=CROWD):
    """What a function gives in each of a crowd of threads, which begin together."""
    start, given = threading.Barrier(crowd), []

    def run(n):
        start.wait()
        try:
            given.append(function(n))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[n]) for n in range(crowd)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given


def test_of_many_workers_one_takes_the_ticket(alice):
    text = Ticket.make(alice, Login(alice.pk, log_in(alice)))
    taken = at_once(lambda n: Ticket.spend(text, "socket-%d" % n, "") is not None)
    assert sorted(taken) == [False] * (CROWD - 1) + [True]


@pytest.mark.usefixtures("database", "still_clock")
def test_however_many_passwords_are_tried_at_once_only_so_many_are_looked_at():
    """A try counts before its password is looked at: else all of them would find that there were few."""
    request = RequestFactory().post("/", REMOTE_ADDR="203.0.113.7")

    def guess(n):
        try:
            throttle.login(request, "alice")
        except ClientError:
            return False
        return True

    assert sorted(at_once(guess)) == [False] * 3 + [True] * 5


@pytest.mark.usefixtures("database")
def test_logins_of_one_account_that_succeed_at_once_are_in_no_others_way():
    """Several bots with one account: their tries are counted and taken back, the counters meanwhile forgotten."""
    request = RequestFactory().post("/", REMOTE_ADDR="203.0.113.7")

    def enter(n):
        for _ in range(20):
            if n == 0:
                for key in Tries.objects.values_list("key", flat=True):
                    Tries.objects.filter(key=key).update(begun=F("begun") - timedelta(days=1))
                throttle.forget()
            else:
                throttle.login(request, "alice").succeeded()
        return True

    assert at_once(enter, 5) == [True] * 5
