"""The room that the service talks to itself in, and who does not get in."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from chatapp import sweeper
from chatapp.dashboard import figures
from chatapp.identity import Sender, canary_token
from chatapp.models import ChatMessage, Presence, Room
from tests.chat import Socket, log_in


@pytest.fixture
def database_url(sqlite_url):
    """What differs between the databases is tested elsewhere."""
    return sqlite_url


def canary(layer, name="a", room="canary"):
    return Socket(layer, path="/chat/%s/" % room, query="canary=" + canary_token(name))


def test_canaries_hear_each_other(layer, database):
    first, second = canary(layer), canary(layer, "b")
    assert first.frames("welcome")[0]["sender"] == "canary:a"
    first.say({"message": "1.5", "client_id": "x"})
    assert first.frames("ack", "message")[-1] == {"type": "ack", "client_id": "x", "seq": 1, "id": 1}
    (heard,) = second.frames("message")
    assert (heard["sender"], heard["message"], heard["seq"]) == ("canary:a", "1.5", 1)


def test_they_need_no_guests_and_no_open_rooms(layer, database, settings_override):
    settings_override(CHAT_ALLOW_GUESTS=False, CHAT_OPEN_ROOMS=False, CHAT_RATE_LIMIT=0.2)
    socket = canary(layer)
    for n in range(5):
        socket.say({"message": "1.5", "client_id": "x%d" % n})
    assert [frame["seq"] for frame in socket.frames("ack")] == [1, 2, 3, 4, 5]


def test_nobody_else_gets_into_their_room_by_any_way(layer, alice):
    assert Socket(layer, path="/chat/canary/").frames()[0]["code"] == "no_entry"
    query = "session_key=%s&room=canary" % log_in(alice)
    assert Socket(layer, path="/websocket/", query=query).frames()[0]["code"] == "no_entry"
    client = Client()
    client.force_login(alice)
    assert client.get("/chat/canary/").status_code == 404
    for ask in (client.get, lambda url: client.post(url, json.dumps({"message": "x"}), "application/json")):
        answer = ask("/api/rooms/canary/messages")
        assert (answer.status_code, answer.json()["code"]) == (403, "no_entry")
    assert not ChatMessage.objects.exists()


def test_they_get_into_no_other_room(layer, database):
    assert canary(layer, room="lobby").frames()[0]["code"] == "no_entry"
    assert not Presence.objects.exists()


@pytest.mark.parametrize("change", [lambda token: token[:-2] + "xx", lambda token: "", lambda token: "a:b:c"])
def test_a_token_that_is_none_of_ours_lets_nobody_in(layer, database, change):
    socket = Socket(layer, path="/chat/canary/", query="canary=" + change(canary_token("a")))
    assert socket.frames()[0]["code"] == "token_invalid"
    assert not Presence.objects.exists()


def test_a_token_is_not_good_for_ever(layer, database, monkeypatch):
    token = canary_token("a")
    monkeypatch.setattr("chatapp.identity.CANARY_AGE", -1)
    assert Socket(layer, path="/chat/canary/", query="canary=" + token).frames()[0]["code"] == "token_invalid"


def test_a_canary_cannot_take_another_name_or_another_sender(layer, alice):
    socket = canary(layer)
    socket.say("/name Ann")
    assert socket.frames("error")[0]["code"] == "name_fixed"


def test_neither_bots_nor_notifications_nor_pages_nor_figures_know_of_them(layer, database):
    get_user_model().objects.create_user("ann")
    meter = figures.Meter()
    meter.read()
    socket = canary(layer)
    socket.say({"message": "/roll 2d6", "client_id": "x"})
    assert [frame["sender"] for frame in socket.frames("message")] == ["canary:a"]
    assert not Room.objects.get().followed
    assert b"canary" not in Client().get("/").content
    found = meter.read()
    assert (found["service.sockets"], found["service.messages"]) == (0, 0)


def test_what_they_said_long_ago_is_swept_away_and_nothing_else(layer, lobby):
    socket = canary(layer)
    for n in range(3):
        socket.say({"message": "1.5", "client_id": "x%d" % n})
    ChatMessage(room=lobby, sender="user:1", message="hi").save()
    long_ago = timezone.now() - timedelta(hours=1, minutes=1)
    ChatMessage.objects.exclude(seq=3).update(sent=long_ago)
    sweeper.forget_expired()
    assert sorted(ChatMessage.objects.values_list("room__slug", "seq")) == [("canary", 3), ("lobby", 1)]
    socket.say({"message": "1.5", "client_id": "y"})
    assert socket.frames("ack")[-1]["seq"] == 4, "the numbers go on"


def test_a_canary_is_neither_a_guest_nor_somebody_with_an_account():
    sender = Sender("canary:host-1-ab", "canary")
    assert (sender.is_canary, sender.is_guest, sender.user_id, sender.is_limited) == (True, False, None, False)
