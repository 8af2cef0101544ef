"""Requests that are delivered again, as the layer delivers them when their worker died after it had committed (C1)."""

import json
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from channels import channel_layers
from django.contrib.auth import get_user_model
from django.http.cookie import SimpleCookie
from django.test import Client

from chatapp import tokens
from chatapp.dashboard.models import Point
from chatapp.idempotency import once
from chatapp.identity import GUEST_COOKIE, known_guest
from chatapp.models import ChatMessage, Grant, IdempotencyKey, Room
from chatapp.views import account_of
from relay.dispatch import dispatch
from relay.responses import ViewConsumer
from tests.chat import log_in

#: A token against forgery, as cookie and as field.
CSRF = "c" * 64
PASSWORD = "a long pass phrase"

ON_BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


class Answer:
    """What one delivery was answered."""

    def __init__(self, content):
        self.status = content["status"]
        self.location = dict(content["headers"]).get(b"Location")
        self.text = content["content"].decode()
        self.cookies = SimpleCookie()
        for name, value in content["headers"]:
            if name == b"Set-Cookie":
                self.cookies.load(value.decode())


class Post:
    """A POST that an interface server has put on the layer. `delivered` runs it, each time as another delivery."""

    def __init__(self, layer, path, data=None, form=None, user=None, session="", address="127.0.0.1"):
        self.layer = layer
        headers = [(b"host", b"localhost"), (b"cookie", ("csrftoken=%s; sessionid=%s" % (CSRF, session)).encode())]
        if user is not None:
            access = tokens.make(Grant.make(user), tokens.ACCESS)
            headers.append((b"authorization", b"Bearer " + access.encode()))
        if form is None:
            body = json.dumps(data).encode()
            headers.append((b"content-type", b"application/json"))
        else:
            body = urlencode({**form, "csrfmiddlewaretoken": CSRF}).encode()
            headers.append((b"content-type", b"application/x-www-form-urlencoded"))
        headers.append((b"content-length", str(len(body)).encode()))
        message = {"reply_channel": "test.reply!x", "path": path, "method": "POST", "body": body, "headers": headers}
        layer.send("http.request", {**message, "client": [address, 5000]})
        _, self.content = layer.receive(["http.request"])

    @property
    def id(self):
        return self.content.id

    def delivered(self):
        dispatch(self.layer, "http.request", self.content)
        return Answer(self.layer.receive(["test.reply!"])[1])

    def twice(self):
        return self.delivered(), self.delivered()


@pytest.fixture
def post(database, layer):
    """`Post`, on this test's layer."""
    # As the worker's command does.
    channel_layers["default"].router.check_default(http_consumer=ViewConsumer())
    return lambda *args, **kwargs: Post(layer, *args, **kwargs)


@ON_BOTH
def test_a_message_without_a_client_id_is_stored_once_however_often_it_is_delivered(post, alice):
    """C1"""
    said = post("/api/rooms/lobby/messages", {"message": "hi"}, user=alice)
    first, again = said.twice()
    assert (first.status, again.status, again.text) == (201, 201, first.text)
    assert ChatMessage.objects.get().client_id == said.id


def test_two_requests_that_say_the_same_are_two_messages(post, alice):
    for _ in range(2):
        assert post("/api/rooms/lobby/messages", {"message": "hi"}, user=alice).delivered().status == 201
    assert ChatMessage.objects.count() == 2


@pytest.mark.parametrize("data", [{"message": "hi"}, {"message": "hi", "client_id": "c"}], ids=["bare", "client-id"])
def test_a_guest_without_a_cookie_is_the_same_guest_when_delivered_again(post, data):
    """C1: else the repeat would be somebody else's message."""
    first, again = post("/api/rooms/lobby/messages", data).twice()
    assert json.loads(again.text) == json.loads(first.text)
    guests = [known_guest(answer.cookies[GUEST_COOKIE].value) for answer in (first, again)]
    assert guests[0] == guests[1]
    assert ChatMessage.objects.get().sender == guests[0].key


def test_the_key_of_a_guest_does_not_tell_the_delivery_nor_follow_from_it(post, settings_override):
    """C1: ids of deliveries are in logs, and in frames."""
    said = post("/api/rooms/lobby/messages", {"message": "hi", "client_id": "c"})
    said.delivered()
    settings_override(SECRET_KEY="another key")
    said.delivered()
    keys = ChatMessage.objects.values_list("sender", flat=True)
    assert len(set(keys)) == 2
    assert not any(part in key for key in keys for part in said.id.split("-") if len(part) > 4)


@ON_BOTH
def test_points_are_stored_once_however_often_they_are_delivered(post, alice, layer):
    """C1"""
    report = {"host": "a", "pid": 1, "threads": 1, "since": 0, "channels": ["dashboard-points"]}
    layer.note("worker", "one", report, 60)
    points = {"points": [{"value": 1}, {"value": 2}]}
    first, again = post("/api/ingest/garden.soil", points, user=alice).twice()
    assert (first.status, again.status, again.text) == (201, 201, first.text)
    assert list(Point.objects.order_by("seq").values_list("value", flat=True)) == [1, 2]


def test_points_that_were_refused_leave_no_key(post, alice):
    assert post("/api/ingest/service.x", {"value": 1}, user=alice).delivered().status == 403
    assert post("/api/ingest/garden", {"value": "x"}, user=alice).delivered().status == 400
    assert not IdempotencyKey.objects.exists()


def sign_up(post, name="carol", **options):
    form = {"username": name, "password1": PASSWORD, "password2": PASSWORD, "next": "/chat/lobby/"}
    return post("/accounts/signup/", form=form, **options)


def who_is_logged_in(answer):
    client = Client()
    client.cookies["sessionid"] = answer.cookies["sessionid"].value
    return client.get("/healthz").wsgi_request.user.get_username()


@ON_BOTH
def test_signing_up_makes_one_account_and_logs_in_each_time_that_it_is_delivered(post):
    """C1: the repeat was told that its name is taken."""
    first, again = sign_up(post).twice()
    for answer in (first, again):
        assert (answer.status, answer.location) == (302, b"/chat/lobby/")
        assert who_is_logged_in(answer) == "carol"
    assert get_user_model().objects.count() == 1


def test_who_signs_up_with_a_name_that_is_taken_is_told_so_each_time(post, alice):
    for answer in sign_up(post, "alice").twice():
        assert (answer.status, "already exists" in answer.text) == (200, True)
    assert not IdempotencyKey.objects.exists()


def test_a_redelivered_sign_up_is_not_refused_for_too_many_tries(post, settings_override, still_clock):
    """C1: the first delivery was counted; who has an account now need not wait for it."""
    settings_override(CHAT_SIGNUPS=1)
    first, again = sign_up(post, address="192.0.2.1").twice()
    assert (first.status, again.status) == (302, 302)
    assert sign_up(post, "dave", address="192.0.2.1").delivered().status == 429


def test_a_sign_up_whose_name_an_earlier_delivery_takes_meanwhile_is_its_own(post, monkeypatch, database):
    """C1: a worker that stood still commits while the next looks whether the name is free."""
    request = SimpleNamespace(delivery_id="a", META={})
    made = get_user_model().objects.create_user

    class Form:
        def is_valid(self):
            once(request, "signup", lambda: str(made("carol").pk))
            return False

    assert account_of(request, Form()).get_username() == "carol"


def test_a_grant_that_is_revoked_is_revoked_each_time_that_it_is_delivered(post, alice):
    """C1: the repeat found no grant, and said that the token is none."""
    grant = Grant.make(alice)
    first, again = post("/api/token/revoke", {"refresh": tokens.make(grant, tokens.REFRESH)}).twice()
    assert (first.status, first.text, again.status, again.text) == (200, "{}", 200, "{}")
    assert not Grant.objects.exists()
    assert post("/api/token/revoke", {"refresh": tokens.make(grant, tokens.REFRESH)}).delivered().status == 401


@pytest.fixture
def root(database):
    return log_in(get_user_model().objects.create_superuser("root", "", PASSWORD))


@ON_BOTH
def test_what_is_added_in_the_admin_is_added_once(post, lobby, root):
    """C1"""
    form = {"room": lobby.pk, "name": "Office", "message": "Lunch is here"}
    first, again = post("/admin/chatapp/chatmessage/add/", form=form, session=root).twice()
    assert (first.status, again.status, again.location) == (302, 302, first.location)
    assert ChatMessage.objects.count() == 1
    first, again = post("/admin/chatapp/room/add/", form={"slug": "new", "title": ""}, session=root).twice()
    assert (first.status, again.status) == (302, 302)


def test_what_is_added_in_a_popup_of_the_admin_is_added_once(post, root):
    """C1: its answer is no redirect."""
    form = {"slug": "new", "title": "", "_popup": "1"}
    first, again = post("/admin/chatapp/room/add/", form=form, session=root).twice()
    assert (first.status, again.status) == (200, 200)
    assert Room.objects.get().slug == "new"
    assert "popup_response" in first.text
    assert again.text == first.text


def test_an_add_form_of_the_admin_that_is_refused_says_so_each_time(post, lobby, root):
    for answer in post("/admin/chatapp/room/add/", form={"slug": "lobby", "title": ""}, session=root).twice():
        assert (answer.status, "already exists" in answer.text) == (200, True)
    assert not IdempotencyKey.objects.exists()


LOGIN = {"username": "alice", "password": "correct horse"}


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("/accounts/login/", {"form": {**LOGIN, "next": "/chat/lobby/"}}, 302),
        ("/accounts/logout/", {"form": {}}, 302),
        ("/api/token", {"data": LOGIN}, 200),
        ("/api/ticket", {"data": {}}, 201),
        ("/api/notifications/read", {"data": {}}, 200),
    ],
)
def test_what_needs_no_key_is_answered_each_time_as_the_first_time(post, alice, path, sent, status):
    """C1: docs/protocol.md says why it needs none."""
    if path.startswith("/accounts"):
        sent["session"] = log_in(alice)
    elif path != "/api/token":
        sent["user"] = alice
    first, again = post(path, **sent).twice()
    assert (first.status, again.status, again.location) == (status, status, first.location)
