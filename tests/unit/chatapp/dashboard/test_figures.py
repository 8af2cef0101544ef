import time

import pytest

from chatapp import ledger
from chatapp.dashboard import figures
from chatapp.dashboard.models import Point
from chatapp.identity import Sender
from tests.chat import Socket, work


def test_the_figures_of_an_idle_service(heard, lobby):
    found = figures.Meter().read()
    assert found["service.sockets"] == 0
    assert found["service.workers"] == 1
    assert found["service.depth.chat-messages"] == found["service.age.http-request"] == 0
    assert "service.messages" not in found


def test_messages_are_counted_by_the_rooms(heard, lobby):
    meter = figures.Meter()
    meter.read()
    for n in range(5):
        ledger.store(lobby, Sender("server", "server"), "hi", "c%d" % n)
    meter.before = (meter.before[0] - 2000, meter.before[1])
    assert meter.read()["service.messages"] == pytest.approx(0.0025, rel=0.1)
    lobby.delete()
    assert meter.read()["service.messages"] == 0


def test_sockets_and_queues_are_counted(heard, lobby):
    Socket(heard)
    heard.send("chat-messages", {"room": "lobby", "message": "waits"})
    found = figures.Meter().read()
    assert found["service.sockets"] == 1
    assert found["service.depth.chat-messages"] == 1
    assert 0 <= found["service.age.chat-messages"] < 60


def test_a_layer_that_tells_nothing_costs_only_its_own_figures(heard, lobby, monkeypatch):
    monkeypatch.setattr(heard.channel_layer, "extensions", ["groups"])
    assert set(figures.Meter().read()) == {"service.sockets"}


def test_a_trip_through_layer_and_worker_is_timed(heard, lobby):
    figures.send_trip()
    work(heard)
    point = Point.objects.get()
    assert point.series.name == "service.trip"
    assert 0 <= point.value < 60_000


def test_a_clock_that_differs_makes_no_trip_shorter_than_nothing(heard, lobby):
    figures.note_trip(time.time() + 5)
    assert Point.objects.get().value == 0
