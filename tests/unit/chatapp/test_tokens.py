import json
from datetime import timedelta

import jwt
import pytest
from django.test import Client
from django.utils import timezone

from chatapp import logins, sweeper, tokens
from chatapp.exceptions import CLOSE_CODES
from chatapp.identity import new_guest
from chatapp.models import ChatMessage, Grant, Presence
from tests.chat import Socket, log_in

PASSWORD = {"username": "alice", "password": "correct horse"}


@pytest.fixture
def database_url(sqlite_url):
    """What differs between the databases is tested elsewhere: test_presence, test_mentions, and with the processes."""
    return sqlite_url


@pytest.fixture
def client(lobby, layer):
    return Client(enforce_csrf_checks=True)


def post(client, path, data=None, **extra):
    return client.post("/api/" + path, json.dumps(data or {}), content_type="application/json", **extra)


def access(user):
    return tokens.make(Grant.make(user), tokens.ACCESS)


def bearer(token):
    return {"HTTP_AUTHORIZATION": "Bearer " + token}


def only_error(socket):
    contents = socket.contents()
    (frame,) = [json.loads(content["text"]) for content in contents if "text" in content]
    return frame["code"], next((content["close"] for content in contents if "close" in content), None)


def token_that_ends(user, **delta):
    """An access token that ends at another time than it would."""
    claims = jwt.decode(access(user), tokens.key(), algorithms=[tokens.ALGORITHM])
    return jwt.encode({**claims, "exp": timezone.now() + timedelta(**delta)}, tokens.key(), algorithm=tokens.ALGORITHM)


def test_a_password_is_exchanged_for_tokens_that_the_api_and_sockets_take(client, layer, alice):
    answer = post(client, "token", PASSWORD)
    assert (answer.status_code, answer.json()["expires_in"]) == (200, 300)
    token = answer.json()["access"]
    assert post(client, "rooms/lobby/messages", {"message": "hi"}, **bearer(token)).status_code == 201
    assert ChatMessage.objects.get().name == "alice"
    assert Socket(layer, query="token=" + token).frames("welcome")[0]["sender"] == "user:%d" % alice.pk


def test_whoever_is_logged_in_gets_tokens_without_a_password_but_no_other_site_does(client, alice):
    client.force_login(alice)
    assert post(client, "token").status_code == 403, "CSRF"
    client.cookies["csrftoken"] = "a" * 64
    answer = post(client, "token", HTTP_X_CSRFTOKEN="a" * 64)
    assert tokens.login_of(answer.json()["access"])[0] == alice


@pytest.mark.parametrize(
    "change", [{"password": "wrong"}, {"username": "mallory"}, {"password": None}, {"username": 5}]
)
def test_a_wrong_password_gets_no_token(client, alice, change):
    answer = post(client, "token", {**PASSWORD, **change})
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_credentials")


def test_a_refresh_token_is_exchanged_for_another_access_token(client, alice):
    refresh = post(client, "token", PASSWORD).json()["refresh"]
    answer = post(client, "token/refresh", {"refresh": refresh})
    assert tokens.login_of(answer.json()["access"])[0] == alice
    again = post(client, "token/refresh", {"refresh": answer.json()["access"]})
    assert (again.status_code, again.json()["code"]) == (401, "token_invalid"), (
        "an access token is none to refresh with"
    )


def test_a_revoked_grant_ends_its_tokens_and_closes_its_sockets_and_no_others(client, layer, alice):
    given = post(client, "token", PASSWORD).json()
    revoked = Socket(layer, query="token=" + given["access"])
    others = [Socket(layer, query="token=" + access(alice)), Socket(layer, query="session_key=" + log_in(alice))]
    for socket in [revoked, *others]:
        socket.contents()
    assert post(client, "token/revoke", {"refresh": given["refresh"]}).status_code == 200
    assert only_error(revoked) == ("logged_out", 4401)
    assert [socket.contents() for socket in others] == [[], []]
    refused = post(client, "rooms/lobby/messages", {"message": "hi"}, **bearer(given["access"]))
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert post(client, "token/refresh", {"refresh": given["refresh"]}).status_code == 401
    assert only_error(Socket(layer, query="token=" + given["access"])) == ("token_invalid", 4506)


@pytest.mark.parametrize("change", ["password", "ban", "end"])
def test_another_password_a_ban_and_its_end_end_a_grant(alice, change):
    token = access(alice)
    if change == "password":
        alice.set_password("another horse")
    alice.is_active = change != "ban"
    alice.save()
    if change == "end":
        Grant.objects.update(ends=timezone.now() - timedelta(minutes=1))
    with pytest.raises(Exception, match="token_invalid"):
        tokens.login_of(token)


@pytest.mark.parametrize("bad", ["", "x.y.z", None, 5, ["a"], {"a": 1}, "none", "other", "guest"])
def test_what_is_no_token_of_ours_is_refused(alice, bad):
    if bad == "none":
        bad = jwt.encode(jwt.decode(access(alice), options={"verify_signature": False}), None, algorithm="none")
    elif bad == "other":
        bad = jwt.encode({"grant": Grant.make(alice).pk, "use": "access", "exp": 9e9}, "k" * 32, algorithm="HS256")
    elif bad == "guest":
        bad = new_guest().guest_token()
    with pytest.raises(Exception, match="token_invalid"):
        tokens.login_of(bad)


def test_a_token_that_has_ended_is_told_from_one_that_is_none(client, layer, alice):
    token = token_that_ends(alice, seconds=-1)
    assert only_error(Socket(layer, query="token=" + token)) == ("token_expired", 4402)
    assert post(client, "rooms/lobby/messages", {"message": "hi"}, **bearer(token)).json()["code"] == "token_expired"


def test_a_token_need_not_stand_in_a_url(layer, alice, lobby, settings_override):
    settings_override(CHAT_ALLOW_GUESTS=False)
    ChatMessage.objects.create(room=lobby, message="before")
    socket = Socket(layer, query="auth&since=0")
    assert [frame["type"] for frame in socket.frames()] == ["auth"]
    assert not Presence.objects.exists()
    socket.say({"type": "auth", "token": access(alice)})
    frames = socket.frames()
    assert [frame["type"] for frame in frames[:2]] == ["welcome", "history"]
    assert frames[0]["user"] == "alice"
    assert [row["message"] for row in frames[1]["messages"]] == ["before"]
    socket.say("hi")
    assert [frame["user"] for frame in socket.frames("message")] == ["alice"]


def test_who_does_not_say_who_he_is_is_sent_away(layer, alice):
    asked = [Socket(layer, query="auth") for _ in range(3)]
    for socket in asked:
        socket.contents()
    asked[0].say("hi")
    asked[1].say({"type": "auth", "token": "x"})
    asked[2].put("websocket.keepalive")
    assert [only_error(socket) for socket in asked] == [
        ("auth_needed", CLOSE_CODES["auth_needed"]),
        ("token_invalid", CLOSE_CODES["token_invalid"]),
        ("auth_needed", CLOSE_CODES["auth_needed"]),
    ]
    assert not ChatMessage.objects.exists()


def test_a_guest_becomes_a_user_on_the_same_socket(layer, alice):
    socket = Socket(layer)
    assert socket.frames("welcome")[0]["sender"].startswith("guest:")
    socket.say({"type": "auth", "token": access(alice)})
    assert socket.frames("welcome")[0]["user"] == "alice"
    socket.say("hi")
    assert socket.frames("message")[0]["sender"] == "user:%d" % alice.pk
    logins.close_sockets(alice.pk)
    assert only_error(socket)[0] == "logged_out"


def test_a_socket_is_asked_for_another_token_and_stays_with_it(layer, alice):
    socket = Socket(layer, query="token=" + token_that_ends(alice, seconds=30))
    socket.contents()
    socket.put("websocket.keepalive")
    assert [frame["type"] for frame in socket.frames()] == ["auth", "head", "unread"]
    socket.say({"type": "auth", "token": access(alice)})
    assert [frame["type"] for frame in socket.frames()] == ["auth"]
    socket.put("websocket.keepalive")
    assert [frame["type"] for frame in socket.frames()] == ["head", "unread"]


def test_a_socket_whose_token_has_ended_is_closed(layer, alice):
    socket = Socket(layer, query="token=" + access(alice))
    other = Socket(layer, query="token=" + access(alice))
    Presence.objects.filter(channel=socket.channel).update(expires=timezone.now() - timedelta(minutes=1))
    socket.contents()
    other.contents()
    sweeper.attempt(logins.close_expired)
    assert only_error(socket) == ("token_expired", 4402)
    logins.close_expired()
    assert socket.contents() == other.contents() == []


def test_a_token_of_a_login_ends_with_it(client, alice):
    client.force_login(alice)
    client.cookies["csrftoken"] = "a" * 64
    given = post(client, "token", HTTP_X_CSRFTOKEN="a" * 64).json()
    by_password = post(Client(), "token", PASSWORD).json()
    client.post("/accounts/logout/", HTTP_X_CSRFTOKEN="a" * 64)
    assert post(client, "token/refresh", {"refresh": given["refresh"]}).status_code == 401
    assert post(client, "token/refresh", {"refresh": by_password["refresh"]}).status_code == 200


def test_a_token_that_has_ended_ends_its_socket_with_the_next_keepalive_at_the_latest(layer, alice):
    socket = Socket(layer, query="token=" + access(alice))
    Presence.objects.update(expires=timezone.now() - timedelta(minutes=1))
    socket.contents()
    socket.put("websocket.keepalive")
    assert only_error(socket) == ("token_expired", 4402)


def test_a_refresh_token_opens_no_socket(layer, alice):
    refresh = tokens.make(Grant.make(alice), tokens.REFRESH)
    assert only_error(Socket(layer, query="token=" + refresh)) == ("token_invalid", 4506)


def test_notifications_can_be_heard_by_a_token_in_the_first_frame(layer, alice):
    socket = Socket(layer, path="/notifications/", query="auth")
    socket.contents()
    for _ in range(2):
        socket.say({"type": "auth", "token": access(alice)})
        assert "notifications" in [frame["type"] for frame in socket.frames()], "also if it is delivered again"


def test_a_socket_takes_no_token_of_somebody_else(layer, alice, bob):
    socket = Socket(layer, query="token=" + access(alice))
    socket.contents()
    socket.say({"type": "auth", "token": access(bob)})
    assert only_error(socket) == ("wrong_user", None)


def test_grants_that_have_ended_are_forgotten(alice):
    Grant.make(alice)
    Grant.objects.update(ends=timezone.now() - timedelta(minutes=1))
    Grant.make(alice)
    sweeper.forget_expired()
    assert Grant.objects.count() == 1
