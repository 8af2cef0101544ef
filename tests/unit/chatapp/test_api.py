import json

import pytest
from django.test import Client

from chatapp.identity import new_guest
from chatapp.models import ChatMessage
from tests.chat import Socket, work


@pytest.fixture
def client(lobby, layer):
    return Client()


def post(client, data, room="lobby", **extra):
    return client.post("/api/rooms/%s/messages" % room, json.dumps(data), content_type="application/json", **extra)


def test_a_post_is_answered_when_it_is_stored_and_then_broadcast(client, layer):
    socket = Socket(layer)
    socket.frames()
    response = post(client, {"message": "by HTTP", "client_id": "c"})
    assert response.status_code == 201
    assert response.json() == {"type": "ack", "client_id": "c", "seq": 1, "id": ChatMessage.objects.get().id}
    work(layer)
    assert [frame["message"] for frame in socket.frames("message")] == ["by HTTP"]


def test_a_repeated_post_gets_the_first_answer(client, alice):
    client.force_login(alice)
    first, again = (post(client, {"message": "hi", "client_id": "c"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert ChatMessage.objects.get().sender == "user:%d" % alice.pk


@pytest.mark.parametrize(
    ("room", "data", "status", "code"),
    [
        ("lobby", {"message": ""}, 400, "empty_message"),
        ("lobby", {}, 400, "invalid_message"),
        ("lobby", ["hi"], 400, "invalid_message"),
        ("lobby", {"message": "x", "client_id": 5}, 400, "invalid_client_id"),
        ("a%20b", {"message": "x"}, 400, "invalid_room"),
        ("..%2F", {"message": "x"}, 400, "invalid_room"),
    ],
)
def test_a_bad_post_is_refused_as_on_the_socket(client, room, data, status, code):
    response = post(client, data, room=room)
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_one_who_is_too_fast_is_told_when_to_try_again(client, alice, settings_override):
    settings_override(CHAT_RATE_LIMIT=0.2)
    client.force_login(alice)
    post(client, {"message": "one"})
    response = post(client, {"message": "two"})
    assert (response.status_code, response["Retry-After"], response.json()["retry_after"]) == (429, "1", 1.0)


def test_guests_may_be_kept_out(client, settings_override):
    settings_override(CHAT_ALLOW_GUESTS=False)
    assert post(client, {"message": "hi"}).status_code == 403
    assert client.get("/api/rooms/lobby/messages").status_code == 403


def test_another_site_cannot_post_for_a_user(lobby, layer, alice):
    """CSRF: a cookie alone is not enough, and a form can't be sent at all."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert post(client, {"message": "hi"}).status_code == 403
    assert client.post("/api/rooms/lobby/messages", {"message": "hi"}).status_code == 403
    assert ChatMessage.objects.count() == 0


def test_history_is_read_page_by_page(client):
    for n in range(5):
        post(client, {"message": "m%d" % n})
    newest = client.get("/api/rooms/lobby/messages?limit=2").json()
    assert ([row["seq"] for row in newest["messages"]], newest["complete"], newest["head"]) == ([4, 5], False, 5)
    older = client.get("/api/rooms/lobby/messages?before=4").json()
    assert ([row["seq"] for row in older["messages"]], older["complete"]) == ([1, 2, 3], True)


def test_history_since_a_number_begins_after_it(client):
    for n in range(3):
        post(client, {"message": "m%d" % n})
    newer = client.get("/api/rooms/lobby/messages?since=1").json()
    assert [row["seq"] for row in newer["messages"]] == [2, 3]


@pytest.mark.parametrize("query", ["since=x", "since=1&before=2", "limit=x", "since=-1", "since=" + "9" * 30])
def test_history_asked_for_wrongly_is_refused(client, query):
    response = client.get("/api/rooms/lobby/messages?" + query)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_history")


def test_reading_an_unknown_room_does_not_make_it(client):
    assert client.get("/api/rooms/fresh/messages").status_code == 404


def test_a_guest_who_keeps_the_cookie_is_the_same_sender(client):
    """So that a repeated request is the same message; without it, each is another guest's."""
    first, again = (post(client, {"message": "hi", "client_id": "1"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert post(Client(), {"message": "hi", "client_id": "1"}).status_code == 201


def test_a_guest_may_bring_the_token_in_the_query(client):
    token = new_guest().guest_token()
    urls = ["/api/rooms/lobby/messages?guest=" + token] * 2
    body = json.dumps({"message": "hi", "client_id": "1"})
    answers = [Client().post(url, body, content_type="application/json").status_code for url in urls]
    assert answers == [201, 200]


@pytest.mark.parametrize(
    ("body", "extra"),
    [
        ("[" * 100_000, {}),
        ('{"message": "x"}', {"content_type": "application/json; charset=hex"}),
        ('{"message": "x"', {}),
    ],
)
def test_a_body_that_is_no_json_is_refused(client, body, extra):
    options = {"content_type": "application/json", **extra}
    assert client.generic("POST", "/api/rooms/lobby/messages", body, **options).status_code == 400


def test_whatever_is_said_to_be_accepted_the_answer_is_json(client):
    response = client.get("/api/rooms/lobby/messages", HTTP_ACCEPT=";;;q=zz,\xff")
    assert response["Content-Type"] == "application/json"
