"""An installation of an earlier release, with its own database, after `migrate` (P1)."""

import os
import subprocess
import sys
from contextlib import ExitStack

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client

from chatapp.dashboard.models import Point, Series
from chatapp.models import ChatMessage, Grant, Membership, Room
from chatapp.notifications.models import Notification
from relay.layers.database import DatabaseChannelLayer
from tests import upgrades
from tests.databases import ROOT, migrate
from tests.waiting import FACTOR, wait_until

PASSWORDS = {"ann": "A pass of Ann's", "bob": "A pass of Bob's", "carol": "A pass of Carol's"}


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """Of a database that a release on Django 2.2 has left, migrated."""
    with ExitStack() as stack:
        url = "sqlite:///%s" % (tmp_path / "old.sqlite3")
        if request.param == "postgresql":
            postgres = request.getfixturevalue("postgres")
            name = postgres.create()
            stack.callback(postgres.drop, name)
            url = postgres.url(name)
        upgrades.load(upgrades.ON_DJANGO_2, url)
        migrate(url)
        yield url


def test_all_rows_are_whole_and_all_passwords_let_in(database, settings_override):
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
    settings_override(SECRET_KEY=upgrades.SECRET_KEY)
    lobby = ChatMessage.objects.filter(room__slug="lobby").order_by("seq")
    assert [row.message for row in lobby][1:] == ["message %d of 日本 🎉" % n for n in range(1, 21)]
    assert [row.seq for row in lobby] == list(range(1, 22))
    guests = ChatMessage.objects.get(room__slug="Team")
    assert (guests.name, guests.message, guests.sender[:6]) == ("Zora", "a guest's", "guest:")
    assert sorted(Room.objects.values_list("slug", flat=True)) == ["Team", "dice", "lobby", "quiet", "team"]
    assert list(Membership.objects.values_list("user__username", "room__slug")) == [("bob", "lobby")]
    assert Notification.objects.get(user__username="bob").text == "ann mentioned you"
    assert Series.objects.get().name == "garden.soil.bed-1"
    assert sorted(Point.objects.values_list("value", flat=True)) == [5.5, 6.5]
    assert Grant.objects.get().user.username == "bob"
    assert set(get_user_model().objects.values_list("username", flat=True)) == {*PASSWORDS, "ANN"}
    for name, password in PASSWORDS.items():
        client = Client()
        assert client.post("/accounts/login/", {"username": name, "password": password}).status_code == 302
        assert name in client.get("/").content.decode()


def test_a_login_of_before_is_one_or_is_none_but_no_error(database, settings_override):
    settings_override(SECRET_KEY=upgrades.SECRET_KEY)
    Session.objects.update(expire_date="2099-01-01T00:00:00Z")
    client = Client()
    client.cookies["sessionid"] = Session.objects.get().session_key
    assert client.get("/").status_code == 200


def test_what_was_on_its_way_is_stored_by_the_workers_of_the_new_release(database, deployment):
    deployment(REDIS_URL="").start_all(workers=1)
    stored = ChatMessage.objects.filter(room__slug="lobby", seq=22)
    assert wait_until(stored.first, "it is stored").message == "on its way"


@pytest.mark.parametrize(
    "command", [["manage.py", "runworker"], ["-m", "relay.daphne", "-p", "0", "project.asgi:channel_layer"]]
)
def test_no_process_starts_while_those_of_the_release_before_live(database, command):
    layer = DatabaseChannelLayer()
    layer.note("worker", "before", {"host": "web-1", "pid": 7, "channels": [], "threads": 1}, 60 * FACTOR)
    environment = {**os.environ, "DATABASE_URL": database, "REDIS_URL": ""}
    ended = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60 * FACTOR
    )
    assert ended.returncode == 1
    assert "still there: worker on web-1 (pid 7). Stop them, and start again" in ended.stderr
    assert "Traceback" not in ended.stderr
