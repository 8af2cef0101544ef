"""Logging a socket in without a cookie: by a ticket, and not by a session key unless that is asked for."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from chatapp import sweeper, tokens
from chatapp.exceptions import CLOSE_CODES
from chatapp.identity import Login
from chatapp.models import TICKETS_LIMIT, Grant, Presence, Ticket
from tests.chat import Socket, log_in


@pytest.fixture
def database_url(sqlite_url):
    """What differs between the databases is tested in test_guessing."""
    return sqlite_url


@pytest.fixture
def client(lobby, layer):
    return Client(enforce_csrf_checks=True)


def ask(client, data=None, **extra):
    return client.post("/api/ticket", json.dumps(data or {}), content_type="application/json", **extra)


def by_cookie(client, user):
    """The client is this user's browser, at one of our pages; returns the headers that the page's script sets."""
    client.cookies["sessionid"] = log_in(user)
    client.get("/chat/lobby/")
    return {"HTTP_X_CSRFTOKEN": client.cookies["csrftoken"].value}


def ticket(user, room=""):
    return Ticket.make(user, Login(user.pk, log_in(user)), room)


def refusal(socket):
    contents = socket.contents()
    (frame,) = [json.loads(content["text"]) for content in contents if "text" in content]
    return frame["code"], next((content["close"] for content in contents if "close" in content), None)


REFUSED = ("ticket_invalid", CLOSE_CODES["ticket_invalid"])


def test_whoever_is_logged_in_gets_a_ticket_and_a_socket_for_it(client, layer, alice):
    answer = ask(client, **by_cookie(client, alice))
    assert (answer.status_code, answer.json()["expires_in"]) == (201, 30)
    welcome = Socket(layer, query="ticket=" + answer.json()["ticket"]).frames("welcome")[0]
    assert welcome["user"] == "alice"


def test_a_token_gets_one_too_and_its_socket_ends_with_the_token(client, layer, alice):
    access = tokens.make(Grant.make(alice), tokens.ACCESS)
    answer = ask(client, HTTP_AUTHORIZATION="Bearer " + access)
    socket = Socket(layer, query="ticket=" + answer.json()["ticket"])
    assert socket.frames("welcome")[0]["user"] == "alice"
    assert Presence.objects.get().expires <= timezone.now() + timedelta(seconds=300)
    Grant.objects.all().delete()
    socket.put("websocket.keepalive")
    assert refusal(socket) == ("logged_out", 4401)


def test_guests_and_other_sites_get_none(client, layer, alice):
    assert (ask(client).status_code, ask(client).json()["code"]) == (401, "account_needed")
    client.cookies["sessionid"] = log_in(alice)
    assert ask(client).status_code == 403
    assert not Ticket.objects.exists()


def test_a_ticket_lets_in_once(layer, lobby, alice):
    """F2"""
    text = ticket(alice)
    assert Socket(layer, query="ticket=" + text).frames("welcome")
    assert refusal(Socket(layer, query="ticket=" + text)) == REFUSED


def test_the_socket_that_has_it_is_let_in_though_its_worker_died(layer, lobby, alice):
    """Its message comes to another worker, who finds the ticket used, by this socket."""
    text = ticket(alice)
    socket = Socket(layer)
    socket.contents()
    assert Ticket.spend(text, socket.channel, "lobby") is not None
    socket.put("websocket.connect", query_string=("ticket=" + text).encode(), headers=[])
    assert socket.frames("welcome")[0]["user"] == "alice"


def test_a_ticket_ends(layer, lobby, alice):
    text = ticket(alice)
    Ticket.objects.update(ends=timezone.now() - timedelta(seconds=1))
    assert refusal(Socket(layer, query="ticket=" + text)) == REFUSED
    sweeper.forget_expired()
    assert not Ticket.objects.exists()


def test_who_logs_out_gives_up_the_ticket(client, layer, alice):
    headers = by_cookie(client, alice)
    text = ask(client, **headers).json()["ticket"]
    assert client.post("/accounts/logout/", **headers).status_code == 302
    assert refusal(Socket(layer, query="ticket=" + text))[0] == "logged_out"


def test_another_password_and_a_closed_account_end_it(layer, lobby, alice, bob):
    first, second = ticket(alice), ticket(bob)
    alice.set_password("another horse")
    alice.save()
    bob.is_active = False
    bob.save()
    assert refusal(Socket(layer, query="ticket=" + first)) == REFUSED
    assert refusal(Socket(layer, query="ticket=" + second))[0] == "logged_out"


def test_a_ticket_for_a_room_is_good_there_only(client, layer, alice):
    headers = by_cookie(client, alice)
    text = ask(client, {"room": "lobby"}, **headers).json()["ticket"]
    for path in ("/chat/other/", "/notifications/", "/dashboard/service/"):
        assert refusal(Socket(layer, path=path, query="ticket=" + text)) == REFUSED
    assert Socket(layer, query="ticket=" + text).frames("welcome")
    assert ask(client, {"room": "a b"}, **headers).json()["code"] == "invalid_room"


@pytest.mark.parametrize("path", ["/notifications/", "/dashboard/service/"])
def test_one_without_a_room_is_good_for_any_socket(layer, lobby, alice, path):
    assert Socket(layer, path=path, query="ticket=" + ticket(alice)).contents()[0]["accept"]
    assert Presence.objects.get().sender == "user:%d" % alice.pk


@pytest.mark.parametrize("text", ["", "x" * 43, "%00", "%ED%A0%80"])
def test_what_is_no_ticket_is_refused_also_where_a_cookie_comes_along(layer, lobby, alice, text):
    socket = Socket(layer, query="ticket=" + text, cookie="sessionid=" + log_in(alice))
    assert refusal(socket) == REFUSED


def test_the_table_holds_nothing_that_lets_anybody_in(alice):
    text = ticket(alice)
    assert text not in str(Ticket.objects.values().get())


def test_an_odd_room_is_refused_before_a_database_is_asked_about_it(layer, lobby, alice):
    """PostgreSQL raises for a NUL: a traceback for whoever likes, and no limit to how often."""
    for path in ("/chat/a%00b/", "/websocket/"):
        text = ticket(alice)
        socket = Socket(layer, path=path, query="room=a%00b&ticket=" + text)
        assert socket.frames("error")[0]["code"] == "invalid_room"
        assert Ticket.objects.filter(used_by="").count() == 1, "it is not used up"
        Ticket.objects.all().delete()


def test_nobody_hoards_tickets(client, alice):
    headers = by_cookie(client, alice)
    for _ in range(TICKETS_LIMIT):
        ticket(alice)
    answer = ask(client, **headers)
    assert (answer.status_code, answer["Retry-After"]) == (429, "30")


@pytest.mark.parametrize("path", ["/chat/lobby/", "/notifications/", "/dashboard/service/", "/websocket/"])
@pytest.mark.parametrize("cookie", [True, False])
def test_a_session_key_in_a_url_logs_in_only_where_asked_for(layer, lobby, alice, settings_override, path, cookie):
    """F2: not even beside a cookie that would, and the error names the remedy."""
    settings_override(CHAT_SESSION_KEY_LOGINS=False, CHAT_DASHBOARDS="everyone")
    key = log_in(alice)
    socket = Socket(layer, path=path, query="session_key=" + key, cookie="sessionid=" + key if cookie else "")
    contents = socket.contents()
    error = json.loads(contents[0]["text"])
    assert (error["code"], contents[0]["close"]) == ("session_key_off", 4509)
    assert "/api/ticket" in error["text"]
    assert not Presence.objects.exists()


def test_pages_bring_tickets_only_where_no_cookie_gets(client, alice, settings_override):
    """A thousand that come back at once would else ask for a thousand tickets, too."""
    by_cookie(client, alice)
    assert b'name="sockets"' not in client.get("/").content
    settings_override(CHAT_SOCKET_URL="wss://sockets.example.com")
    page = client.get("/")
    assert b'content="wss://sockets.example.com"' in page.content
    assert "wss://sockets.example.com;" in page["Content-Security-Policy"]
