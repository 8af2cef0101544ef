"""The management commands, and the sweeper."""

import io

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone
from prometheus_client import REGISTRY

from chatapp import sweeper
from chatapp.models import ChatMessage, Presence, Room
from tests.chat import Socket


def say(*arguments):
    out = io.StringIO()
    call_command("say", *arguments, stdout=out)
    return out.getvalue()


def test_say_stores_and_tells_the_number_and_the_layer(lobby, layer):
    """D3"""
    said = "Said in lobby as message 1. The channel layer is the memory of this process.\n"
    assert say("lobby", "Good morning") == said
    row = ChatMessage.objects.get()
    assert (row.message, row.name) == ("Good morning", "server")


def test_say_with_a_client_id_says_it_once(lobby, layer):
    say("lobby", "Backup done", "--as", "Cron", "--client-id", "2026-11-21")
    assert say("lobby", "Backup done", "--as", "Cron", "--client-id", "2026-11-21") == "It was said before.\n"
    assert ChatMessage.objects.get().name == "Cron"


@pytest.mark.parametrize("arguments", [("a b", "x"), ("lobby", ""), ("lobby", "x", "--as", "a\nb")])
def test_say_explains_what_it_cannot_say(lobby, layer, arguments):
    with pytest.raises(CommandError):
        say(*arguments)


@pytest.mark.parametrize("name", ["Alice", "\u0430lice", "al\u00adice"])
def test_say_speaks_in_no_accounts_name(lobby, layer, alice, name):
    """C2"""
    with pytest.raises(CommandError, match="name_taken"):
        say("lobby", "x", "--as", name)
    assert not ChatMessage.objects.exists()


def test_the_demo_rooms_are_made_once(database, layer):
    for _ in range(2):
        call_command("demo", stdout=io.StringIO())
    assert Room.objects.filter(slug="lobby").count() == 1
    assert ChatMessage.objects.filter(room__slug="lobby").count() == 1


def test_the_sweeper_broadcasts_what_a_shell_or_a_dead_worker_left(lobby, layer):
    socket = Socket(layer)
    socket.frames()
    say("lobby", "from a process that this layer does not reach")
    before = mended()
    sweeper.announce_stragglers()
    sweeper.announce_stragglers()
    assert [frame["seq"] for frame in socket.frames("message")] == [1]
    assert mended() == before + 1


def test_what_its_own_worker_broadcasts_is_no_repair(lobby, layer, monkeypatch):
    """A room looks like one that was left, between storing and broadcasting."""
    say("lobby", "hi")
    locked = Room.locked

    def by_its_own_worker(room):
        Room.objects.update(announced=F("head"))
        return locked(room)

    monkeypatch.setattr(Room, "locked", by_its_own_worker)
    before = mended()
    sweeper.announce_stragglers()
    assert mended() == before


def mended():
    return REGISTRY.get_sample_value("chat_repairs_total", {"how": "straggler"})


def test_one_bad_room_does_not_stop_the_sweeper(lobby, layer, monkeypatch, caplog):
    Room.objects.bulk_create([Room(slug="a bad", head=1)])
    socket = Socket(layer)
    socket.frames()
    say("lobby", "hi")
    sweeper.announce_stragglers()
    assert [frame["seq"] for frame in socket.frames("message")] == [1]


def test_a_step_of_the_sweeper_that_fails_is_logged_and_comes_again(caplog):
    def forget_expired():
        if forget_expired.fails:
            raise ConnectionError

    forget_expired.fails = True
    sweeper.attempt(forget_expired)
    sweeper.attempt(forget_expired)
    assert caplog.text.count("The sweeper could not forget expired") == 1, "an outage of an hour is one line"
    forget_expired.fails = False
    sweeper.attempt(forget_expired)
    assert "The sweeper can forget expired again" in caplog.text


def test_the_sweeper_forgets_sockets_whose_interface_server_died(lobby, layer):
    """A13: their group membership ends by itself; so does their presence."""
    Socket(layer)
    alive = Socket(layer)
    long_ago = timezone.now() - 3 * Presence.expiry()
    Presence.objects.exclude(channel=alive.channel).update(seen=long_ago)
    Session.objects.update(expire_date=long_ago)
    assert Presence.in_room(lobby).count() == 1
    sweeper.forget_expired()
    assert [presence.channel for presence in Presence.objects.all()] == [alive.channel]
    assert Session.objects.count() == 0
