import pytest
from channels import Channel
from django.contrib.auth import get_user_model

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
        ("(@Ann), @bob.", ["Ann", "bob.", "bob"]),
        ("mail ann@example.com", []),
        ("@", []),
        ("@@ann", []),
        ("@ann.lee!", ["ann.lee"]),
        ("@é", ["é"]),
    ],
)
def test_names_are_found_where_somebody_means_them(text, names):
    assert mentions.names_in(text) == names


def test_case_makes_no_other_name_in_a_mention_beyond_ascii_either(layer, alice, bob):
    """C2: SQLite knows the case of ASCII letters only."""
    bob.username = "\u00fcnal"
    bob.save()
    enter(layer, alice).say("Hello @\u00dcNAL")
    assert len(notified(bob)) == 1


def test_whoever_has_no_look_of_the_name_is_mentioned_by_it_as_it_is_written(database, alice):
    """As an account of a database from before names were compared, beside one that looks the same."""
    get_user_model().objects.bulk_create([get_user_model()(username="ALICE")])
    assert [user.username for user in mentions.users_named(["Alice"])] == ["alice"]
    assert {user.username for user in mentions.users_named(["ALICE"])} == {"alice", "ALICE"}


def test_who_only_looks_like_a_name_by_a_capital_letter_is_not_mentioned_by_it(database):
    get_user_model().objects.create_user("Ian")
    assert mentions.users_named(["lan"]) == []
    assert [user.username for user in mentions.users_named(["ian"])] == ["Ian"]


def test_bots_mention_too_and_nobody_is_notified_of_what_he_says(layer, alice):
    Channel("chat-messages").send({"room": "lobby", "message": "@alice build failed", "name": "CI"}, immediately=True)
    work(layer)
    enter(layer, alice).say("I am @alice")
    assert [category for category, _ in notified(alice)] == ["mention"]


def test_a_guest_can_name_only_those_who_are_there_or_belong_to_the_room(layer, alice, bob):
    """He may be anybody, a hundred times."""
    enter(layer, bob)
    guest = Socket(layer)
    guest.say("@alice @bob hi")
    assert (notified(alice), len(notified(bob))) == ([], 1)
    Membership.join(Room.objects.get(slug="lobby"), [alice.pk])
    guest.say("@alice hi")
    assert [category for category, _ in notified(alice)] == ["mention"]


def test_nobody_gets_more_unread_mentions_of_a_room_than_he_would_read(layer, alice, bob, settings_override):
    settings_override(CHAT_RATE_LIMIT=0, CHAT_MENTIONS_PER_SENDER=0)
    socket = enter(layer, alice)
    for _ in range(mentions.UNREAD_LIMIT + 2):
        socket.say("@bob")
    assert len(notified(bob)) == mentions.UNREAD_LIMIT


def test_nobody_is_notified_of_a_room_that_he_has_no_entry_to(layer, alice, bob):
    """Also a member, who has another name now."""
    socket = enter(layer, alice, "letters")
    Membership.join(Room.objects.get(slug="letter-a"), [bob.pk])
    socket.say("@bob must not hear this")
    assert notified(bob) == []


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
    assert notified(bob) == [("room", "%s (guest): first (lobby)" % guest.frames("welcome")[0]["user"])]
    guest.say("second")
    guest.say("third")
    assert len(notified(bob)) == 1, "once, until he has read it"
    assert elsewhere.frames("notification")[-1]["unread"] == 1
    elsewhere.say({"type": "read", "object": "room:lobby"})
    assert elsewhere.frames("read")[-1]["unread"] == 0
    guest.say("fourth")
    assert [text.partition(": ")[2] for _, text in notified(bob)] == ["fourth (lobby)"]
    assert Notification.objects.get().extra["seq"] == 6


def test_very_many_are_notified_some_at_a_time(layer, alice, bob, monkeypatch):
    monkeypatch.setattr(mentions, "ABSENT_LIMIT", 1)
    Socket(layer).say("hello")
    Membership.join(Room.objects.get(slug="lobby"), [alice.pk, bob.pk])
    mentions.notify_of("lobby", 1, 1)
    work(layer)
    assert (len(notified(alice)), len(notified(bob))) == (1, 1)


def test_an_account_that_is_gone_notifies_as_before(layer, alice, bob):
    enter(layer, bob)
    row = ChatMessage(room=Room.named("lobby"), sender="user:%d" % alice.pk, name="alice", message="@bob bye")
    row.save()
    alice.delete()
    work(layer)
    assert [category for category, _ in notified(bob)] == ["mention"]


def test_to_come_back_is_not_to_read(layer, alice, bob):
    """A tab that nobody looks at reconnects, too. The page says what was seen."""
    enter(layer, bob).put("websocket.disconnect")
    enter(layer, alice).say("@bob? come back")
    enter(layer, bob)
    assert Notification.objects.filter(user=bob, read=None).count() == 1


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
    enter(layer, alice).say("@bob and all")
    before = notified(bob)
    mentions.notify_of("lobby", 1, 1)
    assert notified(bob) == before
    assert len(before) == 1


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


@pytest.fixture
def deferring(monkeypatch):
    """As where a sweeper runs."""
    monkeypatch.setattr(mentions, "later", mentions.Later())
    mentions.later.runs = True


def test_while_somebody_talks_news_are_told_every_few_seconds_and_mentions_at_once(
    layer, alice, bob, deferring, monkeypatch
):
    told = []
    tell = mentions.tell
    monkeypatch.setattr(mentions, "tell", lambda messages: told.extend(messages) or tell(messages))
    socket = enter(layer, alice)
    for text in ("one", "two", "three"):
        socket.say(text)
    assert [(one["first"], one["last"]) for one in told] == [(1, 1)]
    socket.say("@bob")
    assert [(one["first"], one["last"]) for one in told[1:]] == [(2, 4)], "with what had waited"
    assert [category for category, _ in notified(bob)] == ["mention"]
    socket.say("five")
    mentions.ask_for_the_rest()
    assert len(told) == 2, "not yet"
    monkeypatch.setattr(mentions, "PAUSE", 0.0)
    mentions.ask_for_the_rest()
    mentions.ask_for_the_rest()
    assert [(one["first"], one["last"]) for one in told[2:]] == [(5, 5)]
