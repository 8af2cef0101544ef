import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from chatapp.dashboard import api, storing
from chatapp.dashboard.models import Point, Series
from tests.chat import work
from tests.unit.chatapp.dashboard import ON_BOTH


def send(client, data, series="garden.soil"):
    text = data if isinstance(data, str) else json.dumps(data)
    return client.post("/api/ingest/%s" % series, text, content_type="application/json")


def points():
    return [(point.seq, point.at, point.value) for point in Point.objects.order_by("seq")]


@ON_BOTH
def test_a_point_is_stored_when_it_is_answered_and_then_drawn(client, look, layer):
    socket = look()
    socket.frames()
    response = send(client, {"value": 1.5})
    assert response.status_code == 201
    assert response.json() == {"series": "garden.soil", "stored": 1}
    assert points() == [(1, pytest.approx(time.time(), abs=120), 1.5)]
    work(layer)
    # The series is new here, so its points are asked for.
    assert [frame["type"] for frame in socket.frames()] == ["dashboard"]
    assert send(client, {"value": -2}).status_code == 201
    work(layer)
    assert Series.objects.get().announced == 2


def test_points_come_with_a_time_of_their_own(client):
    moment = datetime.now(UTC) - timedelta(seconds=100)
    naive = moment.replace(tzinfo=None).isoformat()
    at = [moment.isoformat(), naive, moment.timestamp(), naive[:19] + "Z"]
    response = send(client, {"points": [{"value": n, "at": when} for n, when in enumerate(at)]})
    assert response.json()["stored"] == 4
    assert [at for _, at, _ in points()] == [pytest.approx(moment.timestamp(), abs=1)] * 4


@ON_BOTH
def test_a_thousand_points_are_one_post_and_more_are_refused(client):
    many = [{"value": n} for n in range(1001)]
    refused = send(client, {"points": many})
    assert refused.status_code == 400
    assert "at most 1000" in refused.json()["text"]
    assert not Series.objects.exists()
    assert send(client, {"points": many[:1000]}).json()["stored"] == 1000


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "value: This field is required."),
        ([1], 'Post {"value": 1.5}'),
        ({"value": None}, "value: This field may not be null."),
        ({"value": "much"}, "value: A valid number"),
        ({"value": True}, "value: A valid number"),
        ({"value": "nan"}, "value: A valid number"),
        ({"value": "-Infinity"}, "value: A valid number"),
        ({"value": 10**400}, "value: Integer value too large"),
        ({"value": 1, "at": "yesterday"}, "at: A time is required"),
        ({"value": 1, "at": "2026-02-30T00:00:00Z"}, "at: A time is required"),
        ({"value": 1, "at": "nan"}, "at: A time is required"),
        ({"value": 1, "at": 10**400}, "at: A time is required"),
        ({"value": 1, "at": True}, "at: A time is required"),
        ({"value": 1, "at": {}}, "at: A time is required"),
        ({"value": 1, "at": 5}, "at: This time is more than 900 seconds ago"),
        ({"value": 1, "at": 9_000_000_000}, "at: This time is more than a minute ahead"),
        ({"points": []}, "points: This list may not be empty."),
        ({"points": 5}, 'points: Expected a list of items but got type "int".'),
        ({"points": [{"value": 1}, {"value": "x"}]}, "points[1].value: A valid number"),
        ({"points": [None]}, "points[0]: This field may not be null"),
        ({"points": [{"value": 1}, None]}, "points[1]: This field may not be null"),
    ],
)
def test_what_is_no_point_is_refused_with_what_is_wrong_and_nothing_is_stored(client, data, words):
    response = send(client, data)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_points")
    assert words in response.json()["text"]
    assert not Point.objects.exists()


@pytest.mark.parametrize("text", ["{", '{"value": NaN}', "[" * 100_000, ""])
def test_broken_json_is_refused(client, text):
    assert send(client, text).status_code == 400


@pytest.mark.parametrize(
    ("series", "status", "code"),
    [
        ("a%20b", 400, "invalid_series"),
        ("a.b.c.d", 400, "invalid_series"),
        ("", 400, "invalid_series"),
        ("x%0A", 400, "invalid_series"),
        ("service.messages", 403, "reserved_series"),
    ],
)
def test_a_series_must_have_a_name_that_can_be(client, series, status, code):
    response = send(client, {"value": 1}, series=series)
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_who_has_no_account_can_not_post(heard, database):
    assert send(Client(), {"value": 1}).status_code in (401, 403)
    assert not Series.objects.exists()


def test_a_page_of_another_site_can_not_post_in_somebodys_name(heard, alice):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    assert send(browser, {"value": 1}).status_code == 403


def test_there_are_only_so_many_series(client, monkeypatch):
    monkeypatch.setattr(storing, "SERIES_LIMIT", 1)
    assert send(client, {"value": 1}).status_code == 201
    assert send(client, {"value": 1}).status_code == 201
    refused = send(client, {"value": 1}, series="garden.wind")
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_series")


def test_where_nobody_listens_the_answer_says_so_though_it_is_stored(client, layer):
    """The pain of S2's author: nothing arrives, and no error says so."""
    layer.note_worker("worker", {"channels": ["http.request"]}, 60)
    response = send(client, {"value": 1})
    assert response.status_code == 503
    assert response.json()["code"] == "nobody_listens"
    assert response.json()["stored"] == 1
    assert "runworker" in response.json()["text"]
    assert len(points()) == 1


def test_where_no_route_leads_to_a_consumer_the_answer_says_so(client, layer, monkeypatch):
    monkeypatch.setattr(layer.router, "channels", {"http.request"})
    assert send(client, {"value": 1}).json()["code"] == "nobody_listens"


def test_where_the_channel_is_full_the_answer_says_so_though_it_is_stored(client, layer):
    for _ in range(1000):
        layer.send("dashboard-points", {"series": "garden.soil"})
    response = send(client, {"value": 1})
    assert (response.status_code, response.json()["code"], response.json()["stored"]) == (503, "layer_full", 1)
    assert len(points()) == 1


@pytest.mark.parametrize("method", ["send", "workers"])
def test_where_the_layer_is_away_the_answer_says_so_though_it_is_stored(client, layer, monkeypatch, method):
    def fail(*args):
        raise ConnectionError("no layer")

    monkeypatch.setattr(layer.channel_layer, method, fail)
    response = send(client, {"value": 1})
    assert (response.status_code, response.json()["code"]) == (503, "layer_down")
    assert len(points()) == 1


def test_a_layer_that_knows_no_workers_is_believed(layer, monkeypatch):
    monkeypatch.setattr(layer.channel_layer, "extensions", ["groups"])
    assert api.is_heard(layer)
