"""Who is called what, over real sockets, with the Procfile's processes."""

import pytest
from django.contrib.auth import get_user_model

from chatapp.models import Room
from tests.chat import log_in

pytestmark = pytest.mark.parametrize("database_url", ["postgresql", "sqlite"], indirect=True)

#: Spellings of `ann`, and of nothing at all.
SPELLINGS = [
    "ann",
    "a\u00adnn",
    "ann\u2060",
    "ann\ufe0f",
    "ann\u180e",
    "ann\U000e0041",
    "\uff41nn",
    "\u0430nn",
    "\u3164",
]
INVISIBLE = ["\u200b", "\u2060", "\u3164", "\u2800"]


def test_no_guest_is_called_what_looks_like_an_account_nor_says_nothing(deployment, database):
    """C2: field/07, and a guest whose name somebody signs up with while the guest is there."""
    chat = deployment().start_all(workers=2)
    get_user_model().objects.create_user("ann")
    with chat.socket() as guest, chat.socket() as other:
        guest.next("welcome")
        other.next("welcome")
        for spelling in SPELLINGS:
            guest.send("/name " + spelling)
            assert guest.next("error")["code"] in ("name_taken", "invalid_name"), ascii(spelling)
        for text in INVISIBLE:
            guest.send({"message": text, "client_id": "c"})
            assert guest.next("error")["code"] == "empty_message", ascii(text)
        guest.send("/name Zora")
        token = guest.next("name", lambda frame: frame["user"] == "Zora")["guest"]
        guest.send("I am Zora, still")
        assert other.next("message")["user"] == "Zora"
        chat.manage("createsuperuser", "--noinput", "--username", "zora", "--email", "zora@example.com")
        guest.send("I am Zora no more")
        named = guest.next("name")["user"]
        assert named.startswith("guest-")
        assert named in guest.next("notice")["text"]
        said = other.next("message")
        assert (said["user"], said["guest"]) == (named, True)
    with chat.socket("/chat/lobby/?guest=" + token) as again:
        assert again.next("welcome")["user"] == named
        assert "Zora" in again.next("notice")["text"]


def test_frames_say_who_is_a_guest_and_no_socket_gets_into_a_room_that_looks_like_another(deployment, database):
    """C2"""
    chat = deployment().start_all(workers=2)
    login = "?session_key=" + log_in(get_user_model().objects.create_user("ann"))
    with chat.socket("/chat/General/" + login) as member, chat.socket("/chat/GENERAL/") as guest:
        assert member.next("welcome")["room"] == "general"
        named = guest.next("welcome")["user"]
        here = member.next("presence", lambda frame: frame["count"] == 2)
        assert (here["guests"], here["users"]) == ([named], ["ann", named])
        member.send({"type": "typing"})
        assert "guest" not in guest.next("typing", lambda frame: frame["user"] == "ann")
        guest.send({"type": "typing"})
        assert member.next("typing", lambda frame: frame["user"] == named)["guest"] is True
        for sender, marked in ((member, None), (guest, True)):
            sender.send("hello")
            assert [socket.next("message").get("guest") for socket in (member, guest)] == [marked, marked]
    for room, code in (("genera1", "room_name_taken"), ("1obby", "room_name_taken"), ("Letter-b", "no_entry")):
        with chat.socket("/chat/%s/%s" % (room, login)) as socket:
            assert socket.next("error")["code"] == code
    assert sorted(Room.objects.values_list("slug", flat=True)) == ["general"]
