"""The consumers, run as a worker runs them, on both databases."""

import json

import pytest
from channels import Channel, Group
from channels.message import Message
from django.contrib.auth import get_user_model, logout
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connections, transaction
from django.test import RequestFactory
from django.utils import timezone

from chatapp import commands, joining, ledger, logins, posting
from chatapp.exceptions import CLOSE_CODES
from chatapp.identity import Sender
from chatapp.models import ChatMessage, Presence, Room
from relay.dispatch import dispatch
from tests.chat import Socket, log_in, work
from tests.layers import Elsewhere

pytestmark = pytest.mark.usefixtures("lobby")


def only(frames):
    assert len(frames) == 1, frames
    return frames[0]


def refusal(socket):
    """The code and close code that a socket got."""
    content = only(socket.contents())
    return json.loads(content["text"])["code"], content["close"]


def test_the_first_frame_is_a_welcome_that_accepts(layer):
    socket = Socket(layer)
    first = socket.contents()[0]
    welcome = json.loads(first["text"])
    assert first["accept"] is True
    assert (welcome["type"], welcome["room"], welcome["head"]) == ("welcome", "lobby", 0)


def test_a_message_is_stored_acknowledged_and_broadcast_to_all_and_the_sender(layer):
    ann, ben = Socket(layer), Socket(layer)
    ann.frames()
    ben.frames()
    ann.say({"message": "hi", "client_id": "c"})
    row = ChatMessage.objects.get()
    assert only(ann.frames("ack", "message")[1:])["client_id"] == "c"
    heard = only(ben.frames("message"))
    assert (heard["message"], heard["seq"], heard["id"], heard["client_id"]) == ("hi", 1, row.id, "c")


def test_a_repeat_gets_the_first_answer_and_is_not_broadcast(layer):
    ann, ben = Socket(layer), Socket(layer)
    for _ in range(2):
        ann.say({"message": "hi", "client_id": "c"})
    acks = ann.frames("ack")
    assert acks[0] == acks[1]
    assert len(ben.frames("message")) == 1
    assert ChatMessage.objects.count() == 1


def test_a_frame_without_client_id_that_is_delivered_again_is_stored_once(layer):
    socket = Socket(layer)
    for _ in range(2):
        socket.order = 7
        socket.say("hello world")
    assert ChatMessage.objects.count() == 1
    socket.say("hello world")
    assert ChatMessage.objects.count() == 2, "another frame with the same text is another message"


def test_an_error_is_answered_and_the_next_message_is_served(layer):
    socket = Socket(layer)
    socket.frames()
    socket.say({"message": "", "client_id": "c"})
    error = only(socket.frames())
    assert (error["type"], error["code"], error["client_id"]) == ("error", "empty_message", "c")
    socket.say("still here")
    assert only(socket.frames("message"))["message"] == "still here"


def test_a_binary_frame_is_refused_and_leaves_the_socket_open(layer):
    socket = Socket(layer)
    socket.frames()
    socket.say(b"\x00\xff")
    assert "close" not in only(socket.contents())


@pytest.mark.parametrize(
    "path",
    [
        "/chat/a b/",
        "/chat/é/",
        "/chat/%s/" % ("x" * 200),
        "/chat/../",
        "/chat/a\n/",
        "/chat//",
        "/chat/lobby\n",
        "/chat/lobby/\n",
    ],
)
def test_a_room_name_that_cannot_be_is_told_and_closed(layer, path):
    """A24, B1: it never becomes a group name, so no worker dies of it."""
    assert refusal(Socket(layer, path=path)) == ("invalid_room", 4500)
    assert Presence.objects.count() == 0


def test_the_room_may_be_in_the_query_string(layer):
    socket = Socket(layer, path="/websocket/", query="room=abc")
    assert socket.frames("welcome")[0]["room"] == "abc"


def test_an_open_room_comes_into_being_when_someone_enters(layer):
    Socket(layer, path="/chat/fresh/")
    assert Room.objects.filter(slug="fresh").exists()


def test_where_rooms_are_not_open_an_unknown_one_is_refused(layer, settings_override):
    settings_override(CHAT_OPEN_ROOMS=False)
    assert refusal(Socket(layer, path="/chat/fresh/")) == ("no_such_room", 4504)


def test_one_who_comes_back_gets_what_was_missed_and_then_what_is_new(layer, lobby):
    for n in range(5):
        ledger.store(lobby, Sender("server", "s"), "m%d" % n, str(n))
    ledger.announce(lobby)
    socket = Socket(layer, query="since=2")
    frames = socket.frames()
    assert [frame["type"] for frame in frames[:2]] == ["welcome", "history"]
    assert [row["seq"] for row in frames[1]["messages"]] == [3, 4, 5]
    assert frames[1]["complete"] is True
    Socket(layer).say("new")
    assert [frame["seq"] for frame in socket.frames("message")] == [6]


def test_a_long_absence_is_caught_up_page_by_page(layer, lobby, monkeypatch):
    monkeypatch.setattr("chatapp.protocol.PAGE_LIMIT", 3)
    for n in range(8):
        ledger.store(lobby, Sender("server", "s"), "m%d" % n, str(n))
    ledger.announce(lobby)
    pages = Socket(layer, query="since=0").frames("history")
    assert [[row["seq"] for row in page["messages"]] for page in pages] == [[1, 2, 3], [4, 5, 6], [7, 8]]
    assert [page["complete"] for page in pages] == [False, False, True]


def test_what_is_stored_but_not_yet_broadcast_comes_once(layer, lobby):
    """A worker stored 2 and died before its broadcast: who was there hears it, who enters has it on a page."""
    ledger.store(lobby, Sender("server", "s"), "one", "1")
    ledger.announce(lobby)
    before = Socket(layer)
    before.frames()
    ledger.store(lobby, Sender("server", "s"), "two", "2")
    socket = Socket(layer, query="since=0")
    ledger.announce(lobby)
    assert [row["seq"] for row in only(socket.frames("history"))["messages"]] == [1, 2]
    assert socket.frames("message") == []
    assert [frame["seq"] for frame in before.frames("message")] == [2]


def test_what_is_being_stored_while_one_enters_comes_once(layer, lobby, monkeypatch):
    """3 is committed after the newcomer's look at the room and before it gets the lock; its broadcast comes later."""
    for n in (1, 2):
        ledger.store(lobby, Sender("server", "s"), "m", str(n))
    ledger.announce(lobby)
    send_full_pages = joining.CatchUp.send_full_pages

    def stored_meanwhile(self, room):
        send_full_pages(self, room)
        ledger.store(lobby, Sender("server", "s"), "m", "3")

    monkeypatch.setattr(joining.CatchUp, "send_full_pages", stored_meanwhile)
    socket = Socket(layer, query="since=0")
    frames = socket.frames()
    assert frames[0]["head"] == 2
    assert [row["seq"] for row in frames[1]["messages"]] == [1, 2]
    ledger.announce(lobby)
    assert [frame["seq"] for frame in socket.frames("message")] == [3]


def test_a_since_that_is_no_number_is_refused(layer):
    assert refusal(Socket(layer, query="since=now")) == ("invalid_since", 4502)


def test_history_upwards_is_answered_with_the_page_it_is(layer):
    socket = Socket(layer)
    for n in range(3):
        socket.say("m%d" % n)
    socket.frames()
    socket.say({"type": "history", "before": 3, "limit": 1})
    page = only(socket.frames())
    assert (page["before"], page["complete"], [row["seq"] for row in page["messages"]]) == (3, False, [2])


def test_typing_is_told_and_not_stored(layer):
    ann, ben = Socket(layer), Socket(layer)
    ben.frames()
    ann.say({"type": "typing"})
    assert only(ben.frames("typing"))["user"].startswith("guest-")
    assert ChatMessage.objects.count() == 0


def test_a_logged_in_user_is_known_by_session_key(layer, alice):
    welcome = Socket(layer, query="session_key=" + log_in(alice)).frames("welcome")[0]
    assert (welcome["user"], welcome["sender"]) == ("alice", "user:%d" % alice.pk)
    assert "guest" not in welcome


def test_a_logged_in_user_is_known_by_cookie(layer, alice):
    welcome = Socket(layer, cookie="sessionid=" + log_in(alice)).frames("welcome")[0]
    assert welcome["user"] == "alice"


@pytest.mark.parametrize("key", ["zzz", "aaaaaaaa%00", "a" * 300, "%ED%A0%80aaaaaaaa"])
def test_a_session_key_of_nobody_is_refused(layer, key):
    assert refusal(Socket(layer, query="session_key=" + key)) == ("session_invalid", 4501)


@pytest.mark.parametrize("query", ["&".join(["a=1"] * 1001), b"\xff\xfe"])
def test_a_query_that_cannot_be_read_is_refused(layer, query):
    assert refusal(Socket(layer, query=query)) == ("invalid_query", 4505)


def test_an_expired_cookie_makes_a_guest(layer):
    assert Socket(layer, cookie="sessionid=zzz").frames("welcome")[0]["sender"].startswith("guest:")


def test_guests_are_refused_where_they_are_not_allowed(layer, settings_override):
    settings_override(CHAT_ALLOW_GUESTS=False)
    assert refusal(Socket(layer)) == ("guests_not_allowed", 4503)


@pytest.mark.parametrize("way", ["cookie", "query"])
def test_a_guest_keeps_one_identity_over_reconnects(layer, way):
    first = Socket(layer).frames("welcome")[0]
    again = Socket(layer, **{way: "guest=" + first["guest"]}).frames("welcome")[0]
    assert again["sender"] == first["sender"]


def test_a_guest_takes_a_name_and_keeps_it(layer):
    socket = Socket(layer)
    socket.frames()
    socket.say({"message": "/name Ann", "client_id": "c"})
    named = only(socket.frames("name"))
    assert (named["user"], named["client_id"]) == ("Ann", "c")
    socket.say("hi")
    assert only(socket.frames("message"))["user"] == "Ann"
    assert Socket(layer, query="guest=" + named["guest"]).frames("welcome")[0]["user"] == "Ann"
    assert ChatMessage.objects.count() == 1, "the command is not a message"


def test_a_guest_cannot_take_an_accounts_name(layer, alice):
    socket = Socket(layer)
    socket.frames()
    socket.say({"message": "/name ALICE", "client_id": "c"})
    error = only(socket.frames())
    assert (error["code"], error["client_id"]) == ("name_taken", "c")


def test_a_users_name_is_that_of_the_account(layer, alice):
    socket = Socket(layer, query="session_key=" + log_in(alice))
    socket.frames()
    socket.say("/name Someone")
    assert only(socket.frames())["code"] == "name_fixed"


def test_help_and_who_are_answered_to_the_asker_only(layer):
    ann, ben = Socket(layer), Socket(layer)
    ben.frames()
    ann.frames()
    ann.say("/help")
    ann.say("/who")
    assert [frame["type"] for frame in ann.frames()] == ["notice", "notice"]
    assert ben.frames() == []


def test_logging_out_closes_every_socket_of_the_user_and_no_other(layer, alice, bob):
    """C10"""
    key = log_in(alice)
    sockets = [
        Socket(layer, query="session_key=" + key),
        Socket(layer, path="/chat/other/", query="session_key=" + key),
    ]
    other = Socket(layer, query="session_key=" + log_in(bob))
    for socket in [*sockets, other]:
        socket.contents()
    request = RequestFactory().post("/accounts/logout/")
    request.user, request.session = alice, SessionStore(session_key=key)
    logout(request)
    for socket in sockets:
        assert refusal(socket) == ("logged_out", CLOSE_CODES["logged_out"])
    assert other.contents() == []


def test_the_session_has_ended_before_its_sockets_are_closed(layer, alice, monkeypatch):
    """One that comes back at once must not be let in by the session that is just ending."""
    key = log_in(alice)
    still_there = []
    monkeypatch.setattr(logins, "close_sockets", lambda user_id: still_there.append(SessionStore().exists(key)))
    request = RequestFactory().post("/accounts/logout/")
    request.user, request.session = alice, SessionStore(session_key=key)
    logout(request)
    assert still_there == [False]


def test_one_can_log_out_though_the_layer_is_gone(layer, alice, monkeypatch, caplog):
    def fail(sends):
        raise ConnectionError

    monkeypatch.setattr(logins, "send_at_once", fail)
    logins.close_sockets(alice.pk)
    assert "the next keepalive will do it" in caplog.text


def test_a_ban_closes_the_sockets_only_when_it_is_committed(layer, alice):
    """Else one that comes back at once would still be let in."""
    socket = Socket(layer, query="session_key=" + log_in(alice))
    socket.contents()
    with transaction.atomic():
        alice.is_active = False
        alice.save()
        assert socket.contents() == []
    assert refusal(socket)[0] == "logged_out"


def test_a_banned_users_sockets_are_closed(layer, alice):
    socket = Socket(layer, query="session_key=" + log_in(alice))
    socket.contents()
    alice.is_active = False
    alice.save()
    assert refusal(socket)[0] == "logged_out"


def test_another_password_closes_the_sockets_that_came_in_by_the_old_one(layer, alice):
    key = log_in(alice)
    socket = Socket(layer, query="session_key=" + key)
    socket.contents()
    alice.set_password("another horse")
    alice.save()
    assert refusal(socket)[0] == "logged_out"
    again = Socket(layer, query="session_key=" + log_in(alice))
    assert json.loads(again.contents()[0]["text"])["type"] == "welcome"


def test_another_password_that_was_missed_is_found_at_the_next_keepalive(layer, alice):
    socket = Socket(layer, query="session_key=" + log_in(alice))
    socket.contents()
    get_user_model().objects.filter(pk=alice.pk).update(password=make_password("another horse"))
    socket.put("websocket.keepalive")
    assert refusal(socket)[0] == "logged_out"


def test_a_password_that_is_only_hashed_anew_closes_nothing(layer, alice):
    socket = Socket(layer, query="session_key=" + log_in(alice))
    socket.contents()
    alice.password = make_password("correct horse", hasher="pbkdf2_sha256")
    alice.save()
    assert alice.check_password("correct horse")
    assert socket.contents() == []


def test_a_logout_that_was_missed_is_found_at_the_next_keepalive(layer, alice):
    key = log_in(alice)
    socket = Socket(layer, query="session_key=" + key)
    socket.contents()
    Session.objects.filter(session_key=key).delete()
    socket.put("websocket.keepalive")
    assert refusal(socket)[0] == "logged_out"


def test_a_keepalive_renews_presence_and_groups_and_tells_the_head(layer, lobby):
    socket = Socket(layer)
    socket.say("hi")
    socket.frames()
    long_ago = timezone.now() - timezone.timedelta(seconds=59)
    Presence.objects.update(seen=long_ago)
    layer.group_discard("chat-lobby", socket.channel)
    socket.put("websocket.keepalive")
    assert only(socket.frames()) == {"type": "head", "seq": 1}
    assert Presence.objects.get().seen > long_ago
    assert socket.channel in layer.group_channels("chat-lobby")


def test_a_keepalive_of_a_forgotten_socket_makes_it_come_back(layer):
    socket = Socket(layer)
    socket.contents()
    Presence.objects.all().delete()
    socket.put("websocket.keepalive")
    assert refusal(socket) == ("not_joined", 4001)


def test_a_keepalive_on_its_way_when_its_socket_ends_does_not_have_it_join_again(layer):
    """L3: another worker had it, and could have it join the room's group after the disconnect had left that."""
    socket, elsewhere = Socket(layer), Elsewhere()
    for channel in ("websocket.keepalive", "websocket.disconnect"):
        layer.send(channel, {"reply_channel": socket.channel, "path": socket.path})
    taken = elsewhere(layer.receive, ["websocket.keepalive"])
    work(layer)
    assert socket.channel in layer.group_channels("chat-lobby"), "its disconnect waits"
    elsewhere(dispatch, layer, *taken)
    elsewhere(connections.close_all)
    elsewhere.end()  # A worker acknowledges with its next call; this one is gone, so the keepalive comes once more.
    work(layer)
    assert Presence.objects.count() == 0
    assert socket.channel not in layer.group_channels("chat-lobby")


def test_one_who_leaves_is_gone_and_leaves_nothing_behind(layer, lobby):
    """C9: no session row for each socket that ever was."""
    ann, ben = Socket(layer), Socket(layer)
    ben.frames()
    ann.put("websocket.disconnect")
    assert Presence.objects.count() == 1, "that of the one who is still here"
    assert ann.channel not in layer.group_channels("chat-lobby")
    assert only(ben.frames("presence"))["count"] == 1
    assert Session.objects.count() == 0


def test_a_disconnect_of_a_socket_that_never_entered_is_harmless(layer):
    """C12"""
    socket = Socket(layer, path="/chat/a b/")
    socket.put("websocket.disconnect")
    assert Presence.objects.count() == 0


def test_a_frame_that_comes_after_its_disconnect_leaves_nothing_behind(layer):
    """C9: the layers shuffle channels, so a last frame may be taken late."""
    socket = Socket(layer)
    socket.put("websocket.disconnect")
    socket.say("too late")
    assert Session.objects.count() == Presence.objects.count() == 0


def test_a_socket_that_is_gone_before_it_has_entered_raises_nothing(layer, monkeypatch, caplog):
    monkeypatch.setattr(joining, "tell_presence", lambda room: None)
    enter = joining.enter

    def enter_and_vanish(reply_channel, guest):
        room = enter(reply_channel, guest)
        Presence.objects.all().delete()
        return room

    monkeypatch.setattr(joining, "enter", enter_and_vanish)
    Socket(layer)
    assert caplog.text == ""


def test_a_frame_of_a_socket_that_counts_as_gone_makes_it_come_back(layer):
    socket = Socket(layer)
    socket.contents()
    Presence.objects.all().delete()
    socket.say("hi")
    assert refusal(socket) == ("not_joined", 4001)


def test_frames_are_read_without_asking_who_the_user_is(layer, alice, django_queries):
    """C5: one statement for the frames of many sockets; who they are was settled when they entered."""
    sockets = [Socket(layer, query="session_key=" + log_in(alice)) for _ in range(5)]
    messages = [Message({"reply_channel": each.channel, "text": "hi", "order": 1}, "x", layer) for each in sockets]
    with django_queries() as queries:
        commands.perform(messages)
    assert len(queries) == 1, queries


def test_a_batch_for_many_rooms_is_one_transaction_and_answers_each(layer, lobby, django_queries):
    """One bad message harms no other; a repeat in the same batch is a repeat."""
    sockets = [Socket(layer, path="/chat/room-%d/" % n) for n in range(4)]
    for socket in sockets:
        socket.frames()
    texts = ["one", "", "three", "four"]
    contents = [
        {
            "room": "room-%d" % n,
            "message": text,
            "sender": "bot:b",
            "client_id": str(n),
            "reply_channel": socket.channel,
        }
        for n, (text, socket) in enumerate(zip(texts, sockets, strict=True))
    ]
    again = {**contents[0], "message": "changed"}
    messages = [Message(content, "chat-messages", layer) for content in [*contents, again]]
    with django_queries() as queries:
        posting.post(messages)
    assert sum("BEGIN" in query or "INSERT" in query for query in queries) <= 3, queries
    assert [[frame["type"] for frame in socket.frames()] for socket in sockets] == [
        ["message", "ack", "ack"],
        ["error"],
        ["message", "ack"],
        ["message", "ack"],
    ]
    assert ChatMessage.objects.count() == 3


def test_several_messages_of_a_room_in_one_batch_are_broadcast_in_order(layer, lobby):
    socket = Socket(layer)
    socket.frames()
    contents = [{"room": "lobby", "message": str(n), "client_id": str(n)} for n in (3, 1, 2)]
    posting.post([Message(content, "chat-messages", layer) for content in contents])
    posting.post([Message(contents[0], "chat-messages", layer)])
    assert [(frame["seq"], frame["message"]) for frame in socket.frames("message")] == [(1, "3"), (2, "1"), (3, "2")]


def test_anyone_may_put_a_message_on_chat_messages(layer, lobby):
    socket = Socket(layer)
    socket.frames()
    Channel("chat-messages").send({"room": "lobby", "message": "from a bot", "sender": "bot:cron", "name": "Cron"})
    work(layer)
    heard = only(socket.frames("message"))
    assert (heard["user"], heard["sender"], heard["message"]) == ("Cron", "bot:cron", "from a bot")


def test_a_bare_message_on_chat_messages_is_from_the_server(layer, lobby):
    Channel("chat-messages").send({"room": "lobby", "message": "hi"})
    work(layer)
    assert ChatMessage.objects.get().sender == "server"


@pytest.mark.parametrize(
    "content", [{}, {"room": "a b", "message": "x"}, {"room": "lobby"}, {"room": 5, "message": "x"}]
)
def test_a_bad_message_from_a_bot_is_logged_and_the_next_is_served(layer, lobby, caplog, content):
    Channel("chat-messages").send(content)
    Channel("chat-messages").send({"room": "lobby", "message": "good"})
    work(layer)
    assert [row.message for row in ChatMessage.objects.all()] == ["good"]
    assert "A message on chat-messages was refused" in caplog.text


def test_a_row_saved_by_hand_is_numbered_and_broadcast(layer, lobby):
    socket = Socket(layer)
    socket.say("one")
    socket.frames()
    ChatMessage.objects.create(room=lobby, message="two")
    work(layer)
    heard = only(socket.frames("message"))
    assert (heard["seq"], heard["message"], heard["user"]) == (2, "two", "server")


def test_a_bot_answers_once_even_if_it_is_asked_twice(layer, lobby):
    socket = Socket(layer)
    socket.frames()
    socket.say("/roll 1d1")
    assert [frame["message"] for frame in socket.frames("message")][-1].endswith("rolls 1d1: 1")
    layer.send("chat-bots", {"room": "lobby", "seq": 1})
    work(layer)
    assert ChatMessage.objects.count() == 2


def test_a_failing_connect_refuses_the_socket_at_once(layer, monkeypatch):
    """B10"""

    def fail(*args):
        raise RuntimeError("the database is gone")

    monkeypatch.setattr("chatapp.joining.enter", fail)
    assert only(Socket(layer).contents()) == {"close": True}


def test_presence_is_not_broadcast_to_large_rooms_but_answered(layer, lobby, monkeypatch):
    monkeypatch.setattr("chatapp.joining.PRESENCE_LIMIT", 2)
    sockets = [Socket(layer) for _ in range(3)]
    for socket in sockets:
        socket.frames()
    late = Socket(layer)
    assert sockets[0].frames("presence") == []
    late.frames()
    late.say({"type": "presence"})
    answer = only(late.frames("presence"))
    assert (answer["count"], len(answer["users"])) == (4, 2)


def test_groups_are_named_by_the_slug_and_nothing_else(layer):
    assert Room(slug="x" * 64).group.name == "chat-" + "x" * 64
    Group("chat-" + "x" * 64).send({"text": "a group of that name is valid"})


def test_a_bare_message_that_is_delivered_again_is_stored_once(layer):
    """The layer's id of the message is its client_id: a worker died between the commit and the acknowledgement."""
    Channel("chat-messages").send({"room": "lobby", "message": "hi"})
    Channel("chat-messages").send({"room": "lobby", "message": "hi"})
    for _ in range(3):
        (delivery,) = layer.take(["chat-messages"])
        dispatch(layer, delivery.channel, delivery.content)
        layer.give_back([delivery], "the worker was killed")
    assert ChatMessage.objects.count() == 1
    work(layer)
    assert ChatMessage.objects.count() == 2
