"""What guests are called, and how one knows that they are guests."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from chatapp import guests
from chatapp.identity import GUEST_COOKIE, Sender, known_guest
from chatapp.models import ChatMessage, Presence
from tests.chat import Socket, log_in

ZORA = Sender("guest:0123456789abcdef", "Zora")


def sign_up(name):
    return get_user_model().objects.create_user(name)


def come(layer, guest=ZORA):
    return Socket(layer, query="guest=" + guest.guest_token())


def kinds(frames):
    return [frame["type"] for frame in frames]


@pytest.mark.parametrize(
    "name", ["alice", "AL\u0406CE", "a\u00adlice", "\uff41lice", "aIice", "dice", "Server", "News", "guest-0000"]
)
def test_a_guest_takes_no_name_that_looks_like_somebodys(layer, alice, name):
    """C2"""
    socket = Socket(layer)
    socket.frames()
    socket.say("/name " + name)
    assert [(frame["type"], frame["code"]) for frame in socket.frames()] == [("error", "name_taken")]


@pytest.mark.parametrize("name", ["\u0417\u0430\u0445\u0430\u0440", "\u65e5\u672c", "\u00c5sa", "\u00dcnal"])
def test_a_guest_takes_a_name_of_any_script(layer, alice, name):
    socket = Socket(layer)
    socket.say("/name " + name)
    assert [frame["user"] for frame in socket.frames("name")] == [name]


def test_a_guest_whose_name_was_taken_meanwhile_is_called_otherwise_when_it_comes_again(layer, lobby):
    """C2: a guest is Zora, then Zora signs up."""
    sign_up("z\u043era")
    socket = come(layer)
    frames = socket.frames("welcome", "notice")
    assert kinds(frames) == ["welcome", "notice"]
    assert (frames[0]["user"], frames[0]["sender"]) == ("guest-0123", ZORA.key)
    assert "Zora" in frames[1]["text"]
    assert "guest-0123" in frames[1]["text"]
    assert known_guest(frames[0]["guest"]) == ZORA._replace(name="guest-0123")
    assert Presence.objects.get().name == "guest-0123"


def test_a_guest_whose_name_was_taken_meanwhile_is_called_otherwise_when_it_speaks(layer, lobby):
    """C2"""
    socket = come(layer)
    assert socket.frames("welcome")[0]["user"] == "Zora"
    sign_up("zora")
    socket.say("I am Zora")
    frames = socket.frames("name", "notice", "message")
    assert kinds(frames) == ["name", "notice", "message"]
    said = [frame for frame in frames if frame["type"] == "message"]
    assert [(frame["user"], frame["guest"]) for frame in said] == [("guest-0123", True)]
    assert [frame["user"] for frame in frames if frame["type"] == "name"] == ["guest-0123"]
    socket.say("still me")
    assert kinds(socket.frames("name", "notice", "message")) == ["message"], "told once"


def test_a_guest_whose_name_is_nobodys_keeps_it(layer, lobby, alice):
    socket = come(layer)
    socket.say("hello")
    assert kinds(socket.frames("name", "notice")) == []
    assert ChatMessage.objects.get().name == "Zora"


def test_a_guest_called_nothing_at_all_by_an_old_token_gets_a_name(layer, lobby):
    assert come(layer, ZORA._replace(name="\u3164")).frames("welcome")[0]["user"] == "guest-0123"


def test_a_guest_gets_a_longer_name_where_an_account_has_the_short_one(layer, lobby):
    sign_up("Guest-0123")
    sign_up("zora")
    assert come(layer).frames("welcome")[0]["user"] == "guest-0123456789abcdef"


def test_what_guests_say_over_http_bears_no_accounts_name_either(database, lobby):
    sign_up("ZORA")
    client = Client()
    client.cookies[GUEST_COOKIE] = ZORA.guest_token()
    answer = client.post("/api/rooms/lobby/messages", {"message": "hi"}, content_type="application/json")
    assert answer.status_code == 201
    assert known_guest(answer.cookies[GUEST_COOKIE].value).name == "guest-0123"
    (frame,) = client.get("/api/rooms/lobby/messages").json()["messages"]
    assert (frame["user"], frame["guest"]) == ("guest-0123", True)


def test_guests_are_marked_in_messages_history_presence_and_typing_and_accounts_are_not(layer, lobby, alice):
    """C2"""
    guest, member = come(layer), Socket(layer, query="session_key=" + log_in(alice))
    guest.say("from a guest")
    member.say("from an account")
    guest.say({"type": "typing"})
    member.say({"type": "typing"})
    member.say({"type": "history", "since": 0})
    member.say({"type": "presence"})
    member.say("/who")
    frames = member.frames()

    def marks(*types):
        return {frame["user"]: frame.get("guest") for frame in frames if frame["type"] in types}

    assert marks("message") == {"Zora": True, "alice": None}
    assert marks("typing") == {"Zora": True, "alice": None}
    (history,) = [frame for frame in frames if frame["type"] == "history"]
    assert [frame.get("guest") for frame in history["messages"]] == [True, None]
    for presence in [frame for frame in frames if frame["type"] == "presence"]:
        assert (presence["users"], presence["guests"]) == (["Zora", "alice"], ["Zora"])
    assert "2 here: Zora (guest), alice" in [frame["text"] for frame in frames if frame["type"] == "notice"]


def test_whether_guests_may_keep_their_names_is_one_query_for_all_whose_frames_come_together(database, django_queries):
    crowd = [Sender("guest:%016x" % number, "Visitor %d" % number) for number in range(50)]
    sign_up("visitor8")
    with django_queries() as queries:
        assert guests.renamed([*crowd[:8], Sender("user:1", "zora")]) == {}
    assert len(queries) == 1
    with django_queries() as queries:
        assert list(guests.renamed(crowd)) == [crowd[8]]
    assert len(queries) == 2, "and one for the new names of all who get one"
    with django_queries() as queries:
        assert guests.renamed([Sender("user:1", "zora"), Sender("bot:dice", "dice")]) == {}
    assert queries == []


@pytest.mark.parametrize("text", ["\u200b", "\u2060", "\u3164", "\u2800", " \u00ad\n"])
def test_a_message_of_nothing_but_invisible_characters_is_empty(layer, lobby, text):
    """C2"""
    socket = Socket(layer)
    socket.frames()
    socket.say({"message": text, "client_id": "c"})
    assert [(frame["code"], frame["client_id"]) for frame in socket.frames()] == [("empty_message", "c")]
    assert not ChatMessage.objects.exists()
