import pytest
from channels import Channel

from chatapp import mentions
from chatapp.models import ChatMessage, Membership, Room
from chatapp.notifications.models import Notification
from tests.chat import Socket, log_in, work


def enter(layer, user, room="lobby"):
    socket = Socket(layer, path="/chat/%s/" % room, query="session_key=" + log_in(user))
    socket.frames()
    return socket


def notified(user):
    return list(Notification.objects.filter(user=user).order_by("id").values_list("category", "text"))


def test_who_is_named_is_notified_on_every_socket(layer, alice, bob):
    tabs = [enter(layer, bob, "other"), Socket(layer, path="/notifications/", query="session_key=" + log_in(bob))]
    enter(layer, alice).say("Hello @Bob, have a look")
    for tab in tabs:
        frame = tab.frames("notification")[-1]
        assert (frame["category"], frame["object"], frame["url"]) == ("mention", "room:lobby", "/chat/lobby/")
        assert frame["extra"] == {"room": "lobby", "seq": 1, "by": "alice"}
    assert notified(bob) == [("mention", "alice mentioned you in lobby: Hello @Bob, have a look")]
    assert notified(alice) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ann", ["ann"]),
        ("(@Ann), @bob.", ["ann", "bob.", "bob"]),
        ("mail ann@example.com", []),
        ("@", []),
        ("@@ann", []),
        ("@ann.lee!", ["ann.lee"]),
        ("@é", ["é"]),
    ],
)
def test_names_are_found_where_somebody_means_them(text, names):
    assert mentions.names_in(text) == names


def test_guests_and_bots_mention_too_and_nobody_is_notified_of_what_he_says(layer, alice):
    guest = Socket(layer)
    guest.say("@alice hi")
    Channel("chat-messages").send({"room": "lobby", "message": "@alice build failed", "name": "CI"}, immediately=True)
    work(layer)
    enter(layer, alice).say("I am @alice")
    assert [category for category, _ in notified(alice)] == ["mention", "mention"]


def test_an_inactive_user_is_not_notified(layer, alice, bob):
    bob.is_active = False
    bob.save()
    enter(layer, alice).say("@bob")
    assert notified(bob) == []


def test_who_said_something_in_a_room_hears_of_it_when_away(layer, alice, bob):
    socket = enter(layer, bob)
    socket.say("I was here")
    Socket(layer).say("seen")
    assert notified(bob) == [], "he watches"
    socket.put("websocket.disconnect")
    elsewhere = enter(layer, bob, "other")
    guest = Socket(layer)
    guest.say("first")
    assert notified(bob) == [("room", "%s: first (lobby)" % guest.frames("welcome")[0]["user"])]
    guest.say("second")
    guest.say("third")
    assert notified(bob) == [("room", "lobby: 3 new messages")]
    assert elsewhere.frames("notification")[-1]["unread"] == 1
    assert Notification.objects.get().extra == {"room": "lobby", "first": 3, "last": 5}


def test_entering_the_room_reads_what_was_about_it(layer, alice, bob):
    socket = enter(layer, bob)
    socket.say("I was here")
    socket.put("websocket.disconnect")
    other = enter(layer, bob, "other")
    enter(layer, alice).say("@bob? come back")
    Socket(layer).say("yes")
    other.frames()
    enter(layer, bob)
    assert not Notification.objects.filter(read=None).exists()
    assert other.frames("read")[-1]["unread"] == 0


def test_one_can_leave_a_room_and_join_it_again(layer, alice, bob):
    socket = enter(layer, bob)
    socket.say("/leave")
    assert "not notified" in socket.frames("notice")[0]["text"]
    socket.say("still talking")
    socket.put("websocket.disconnect")
    guest = Socket(layer)
    guest.say("gone?")
    assert notified(bob) == []
    socket = enter(layer, bob)
    socket.say("/join")
    socket.put("websocket.disconnect")
    guest.say("back?")
    assert len(notified(bob)) == 1


def test_what_is_delivered_twice_notifies_once(layer, alice, bob):
    enter(layer, bob).put("websocket.disconnect")
    Membership.join(Room.objects.get(slug="lobby"), [bob.pk])
    enter(layer, alice).say("@bob and all")
    Socket(layer).say("more")
    before = notified(bob)
    work(layer)
    mentions.notify_of("lobby", 1, 2)
    assert notified(bob) == before
    assert len(before) == 2


def test_a_room_of_guests_costs_nothing(layer, lobby):
    Socket(layer).say("just us")
    layer.router.channels.discard("chat-notify")
    Socket(layer).say("still just us")
    assert layer.receive(["chat-notify"]) == (None, None)
    assert not mentions.wanted(Room.objects.get(), list(ChatMessage.objects.all()))


def test_a_guest_cannot_join(layer, lobby):
    guest = Socket(layer)
    guest.frames()
    guest.say("/join")
    assert guest.frames()[0]["code"] == "account_needed"
