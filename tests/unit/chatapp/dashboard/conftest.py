"""What the tests of dashboards share."""

import time

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from chatapp.dashboard import storing
from tests.chat import Socket, log_in


@pytest.fixture
def database_url(request):
    """SQLite's, unless a test asks for others (ON_BOTH): to make a PostgreSQL database takes longer than most tests."""
    return request.getfixturevalue(getattr(request, "param", "sqlite") + "_url")


@pytest.fixture
def alice(database):
    """Someone with an account, and without a password: to make one takes longer than most tests here."""
    return get_user_model().objects.create_user("alice")


@pytest.fixture
def heard(layer):
    """A layer on which a worker says that it listens on everything."""
    report = {"host": "h", "pid": 1, "threads": 1, "since": 0, "channels": sorted(layer.router.channels)}
    layer.note_worker("worker", report, 60)
    return layer


@pytest.fixture
def client(heard, alice):
    """Alice's browser."""
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def look(layer, alice):
    """A function that opens a socket of Alice's at a dashboard."""

    def look(name="garden", query="", user=alice):
        login = "session_key=%s" % log_in(user) if user else ""
        return Socket(layer, "/dashboard/%s/" % name, "&".join(filter(None, [login, query])))

    return look


@pytest.fixture
def post(database, layer):
    """A function that stores values as the next of a series, a second apart, the last one now; and has them sent."""

    def post(*values, series="garden.soil"):
        now = time.time()
        points = [(now - len(values) + place, value) for place, value in enumerate(values, 1)]
        storing.store_and_announce(series, points, or_else=pytest.fail)

    return post
