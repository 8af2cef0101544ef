import io
import json

import pytest
from channels import Channel
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client

from chatapp import doors
from chatapp.identity import Sender
from chatapp.models import ChatMessage, Room
from tests.chat import Socket, log_in, work


@pytest.fixture
def database_url(sqlite_url):
    """What differs between the databases is tested elsewhere: test_presence, test_mentions, and with the processes."""
    return sqlite_url


@pytest.fixture
def arthur(database):
    return get_user_model().objects.create_user("Arthur", password="round table")


def socket_of(layer, user, room="letters"):
    return Socket(layer, path="/chat/%s/" % room, query="session_key=" + log_in(user))


def test_people_meet_whose_names_begin_with_the_same_letter(layer, alice, arthur, bob):
    """S4f: the server picks the group."""
    sockets = [socket_of(layer, user) for user in (alice, arthur, bob)]
    assert [socket.frames("welcome")[0]["room"] for socket in sockets] == ["letter-a", "letter-a", "letter-b"]
    sockets[0].say("Only A")
    assert [len(socket.frames("message")) for socket in sockets] == [1, 1, 0]


def test_no_client_gets_into_the_room_of_another_letter(layer, alice, bob):
    assert socket_of(layer, alice, "letter-a").frames("welcome")
    assert socket_of(layer, bob, "letter-a").frames()[0]["code"] == "no_entry"
    assert Socket(layer, path="/chat/letter-a/").frames()[0]["code"] == "guests_not_allowed"
    client = Client()
    client.force_login(bob)
    for ask in (client.get, lambda url: client.post(url, json.dumps({"message": "x"}), "application/json")):
        answer = ask("/api/rooms/letter-a/messages")
        assert (answer.status_code, answer.json()["code"]) == (403, "no_entry")
    assert client.get("/chat/letter-a/").status_code == 404
    assert not ChatMessage.objects.exists()


def test_the_page_and_the_api_pick_the_same_room(layer, alice):
    client = Client()
    client.force_login(alice)
    assert b"Names with A" in client.get("/chat/letters/").content
    assert (
        client.post("/api/rooms/letters/messages", json.dumps({"message": "x"}), "application/json").status_code == 201
    )
    assert ChatMessage.objects.get().room.slug == "letter-a"
    assert b"Names with A" in client.get("/chat/letters/").content
    page = client.get("/").content
    assert b'href="/chat/letters/"' in page
    assert b"letter-a" not in page
    assert "/accounts/login/" in Client().get("/chat/letters/")["Location"]


@pytest.mark.parametrize(
    ("name", "room"), [("Éva", "letter-u00e9"), ("7of9", "letter-7"), ("_x", "letter-u005f"), ("İpek", "letter-i")]
)
def test_any_first_letter_makes_a_room(name, room):
    assert doors.room_for("letters", Sender("user:1", name)) == room
    assert doors.title_of(room).startswith("Names with ")


def test_a_new_account_is_news_where_that_is_wanted(layer, lobby, settings_override):
    """S4g: a post_save signal feeds chat-messages."""
    get_user_model().objects.create_user("quiet")
    settings_override(CHAT_NEWS_ROOM="lobby")
    get_user_model().objects.create_user("ann")
    work(layer)
    assert [(row.name, row.message) for row in ChatMessage.objects.all()] == [
        ("News", "ann has an account now. Welcome!")
    ]
    assert Room.objects.get().head == 1


def test_an_account_is_made_though_the_news_cannot_be_told(layer, database, settings_override, monkeypatch, caplog):
    def fail(self, content, immediately=False):
        raise ConnectionError("away")

    settings_override(CHAT_NEWS_ROOM="lobby")
    monkeypatch.setattr(Channel, "send", fail)
    get_user_model().objects.create_user("ann")
    assert get_user_model().objects.count() == 1
    assert "could not be told" in caplog.text


@pytest.mark.parametrize(
    ("room", "code"),
    [
        *dict.fromkeys(["LETTER-b", "Letter-B", "letter-B", "Canary", "CANARY"], "no_entry").items(),
        *dict.fromkeys(["1etter-b", "1etters"], "room_name_taken").items(),
    ],
)
def test_no_room_looks_like_one_that_the_server_keeps(layer, alice, room, code):
    """C2"""
    assert [frame["code"] for frame in socket_of(layer, alice, room).frames("error")] == [code]
    client = Client()
    client.force_login(alice)
    assert client.get("/chat/%s/" % room, follow=True).status_code == 404
    assert client.post("/api/rooms/%s/messages" % room, {"message": "x"}, "application/json").status_code == 403
    assert not Room.objects.exists()


@pytest.mark.parametrize("room", ["1obby", "l0bby"])
def test_no_room_looks_like_the_lobby(layer, alice, lobby, room):
    assert [frame["code"] for frame in socket_of(layer, alice, room).frames("error")] == ["room_name_taken"]


def test_nobody_makes_a_room_that_looks_like_another(layer, alice, lobby):
    """C2"""
    Room.objects.create(slug="General")
    client = Client()
    client.force_login(alice)
    for imitation in ("genera1", "GENERA1"):
        assert [frame["code"] for frame in socket_of(layer, alice, imitation).frames("error")] == ["room_name_taken"]
        assert client.get("/chat/%s/" % imitation, follow=True).status_code == 404
        post = client.post("/api/rooms/%s/messages" % imitation, {"message": "x"}, "application/json")
        assert (post.status_code, post.json()["code"]) == (403, "room_name_taken")
    assert sorted(Room.objects.values_list("slug", flat=True)) == ["General", "lobby"]
    # Whoever runs the server may, and then both are found.
    Room.objects.create(slug="genera1")
    assert [socket_of(layer, alice, room).frames("welcome")[0]["room"] for room in ("GENERAL", "GENERA1")] == [
        "General",
        "genera1",
    ]


@pytest.mark.parametrize("room", ["handmade", "HANDMADE"])
def test_programs_reach_a_room_in_whatever_case_and_make_no_other(layer, database, room):
    """C2"""
    Room.objects.create(slug="HandMade")
    Channel("chat-messages").send({"room": room, "message": "one", "client_id": "1"}, immediately=True)
    Channel("chat-messages").send({"room": "HandMade", "message": "two", "client_id": "2"}, immediately=True)
    work(layer)
    call_command("say", room, "three", stdout=io.StringIO())
    assert Room.objects.get().head == 3


def test_capital_letters_lead_to_the_same_room(layer, alice, lobby):
    """C2"""
    shouting, quiet = socket_of(layer, alice, "LOBBY"), Socket(layer)
    assert shouting.frames("welcome")[0]["room"] == "lobby"
    shouting.say("one")
    Channel("chat-messages").send({"room": "Lobby", "message": "two"}, immediately=True)
    work(layer)
    client = Client()
    assert client.post("/api/rooms/LoBBy/messages", {"message": "three"}, "application/json").status_code == 201
    work(layer)
    assert [frame["message"] for frame in quiet.frames("message")] == ["one", "two", "three"]
    assert client.get("/chat/Lobby/")["Location"] == "/chat/lobby/"
    assert Room.objects.get() == lobby


def test_a_new_room_has_small_letters_and_one_made_by_hand_those_that_it_was_given(layer, alice):
    assert socket_of(layer, alice, "New-Room").frames("welcome")[0]["room"] == "new-room"
    Room.objects.create(slug="HandMade")
    assert socket_of(layer, alice, "handmade").frames("welcome")[0]["room"] == "HandMade"
    assert sorted(Room.objects.values_list("slug", flat=True)) == ["HandMade", "new-room"]


def test_the_admin_makes_no_second_room_of_a_name(database, lobby):
    with pytest.raises(ValidationError, match="The room lobby already exists"):
        Room(slug="Lobby").full_clean()
    lobby.full_clean()
    Room(slug="Other").full_clean()
