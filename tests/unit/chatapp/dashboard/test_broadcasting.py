import pytest
from django.db import connection

from chatapp.dashboard import broadcasting
from chatapp.dashboard.models import Series
from tests.chat import work
from tests.unit.chatapp.dashboard import ON_BOTH

pytestmark = ON_BOTH


@pytest.fixture
def watched(look, post, layer):
    """A socket that looks at a series with one point."""
    post(0.5)
    work(layer)
    socket = look()
    socket.frames()
    return socket


def rest():
    """As if the last frame had been long ago."""
    Series.objects.update(framed=0)


def test_what_is_stored_comes_to_those_who_look(watched, post, layer):
    rest()
    post(1.5, 2.5)
    work(layer)
    (frame,) = watched.frames()
    assert (frame["type"], frame["series"]) == ("points", "garden.soil")
    assert (frame["after"], frame["upto"], frame["count"]) == (1, 3, 2)
    assert [(value, count) for _, value, count in frame["points"]] == [(1.5, 1), (2.5, 1)]


def test_those_who_look_elsewhere_hear_nothing(watched, look, post, layer):
    elsewhere = look("house")
    elsewhere.frames()
    rest()
    post(1.0)
    work(layer)
    assert elsewhere.frames() == []
    assert watched.frames()


def test_a_burst_of_a_thousand_points_is_one_thin_frame_that_says_so(watched, post, layer):
    rest()
    post(*range(1000))
    work(layer)
    (frame,) = watched.frames()
    assert frame["count"] == 1000
    assert len(frame["points"]) <= broadcasting.FRAME_POINTS
    assert {0, 999} <= {value for _, value, _ in frame["points"]}


def test_between_two_frames_is_a_pause_and_then_all_comes_that_gathered(watched, post, monkeypatch):
    monkeypatch.setattr(broadcasting, "PAUSE", 60.0)
    rest()
    post(1)
    assert broadcasting.broadcast(["garden.soil"]) == {}
    post(2)
    post(3)
    pauses = broadcasting.broadcast(["garden.soil"])
    assert 0 < pauses["garden.soil"] <= broadcasting.PAUSE
    rest()
    assert broadcasting.broadcast(["garden.soil"]) == {}
    assert [(frame["after"], frame["upto"]) for frame in watched.frames()] == [(1, 2), (2, 4)]


def test_many_messages_for_a_series_are_few_frames(watched, post, layer):
    for n in range(100):
        post(n)
    work(layer)
    frames = watched.frames()
    assert len(frames) < 20
    assert sum(frame["count"] for frame in frames) == 100


def test_more_than_one_frame_can_stand_for_comes_in_several(watched, post, monkeypatch):
    monkeypatch.setattr(broadcasting, "FRAME_READ", 10)
    rest()
    post(*range(25))
    for _ in range(3):
        broadcasting.broadcast(["garden.soil"])
        rest()
    assert [(frame["after"], frame["upto"]) for frame in watched.frames()] == [(1, 11), (11, 21), (21, 26)]
    assert broadcasting.broadcast(["garden.soil"]) == {}


def test_a_frame_that_could_not_be_sent_leaves_a_hole_that_is_asked_for(watched, post, layer, monkeypatch):
    def fail(*args):
        raise ConnectionError("no layer")

    rest()
    post(1.0)
    with monkeypatch.context() as broken:
        broken.setattr(layer.channel_layer, "send_group", fail)
        with pytest.raises(ConnectionError):
            broadcasting.broadcast(["garden.soil"])
    rest()
    post(2.0)
    broadcasting.broadcast(["garden.soil"])
    assert [(frame["after"], frame["upto"]) for frame in watched.frames()] == [(2, 3)]
    watched.say({"type": "points", "series": "garden.soil", "since": 1})
    assert [(frame["after"], frame["upto"], frame["count"]) for frame in watched.frames()] == [(1, 3, 2)]


def test_a_layer_that_is_away_keeps_nobody_from_writing(watched, post, layer, monkeypatch):
    """A worker sends with patience without end: it must not hold a lock meanwhile."""
    in_transaction = []

    def wait(*args):
        in_transaction.append(connection.in_atomic_block)

    monkeypatch.setattr(layer.channel_layer, "send_group", wait)
    monkeypatch.setattr(layer.channel_layer, "send_to_groups", wait)
    rest()
    post(1.0, 2.0)
    work(layer)
    assert in_transaction == [False]


def test_a_clock_that_was_put_back_stops_no_series(watched, post):
    post(1.0)
    Series.objects.update(framed=9e12)
    assert broadcasting.broadcast(["garden.soil"])["garden.soil"] <= broadcasting.PAUSE


def test_another_series_of_a_dashboard_is_made_known_to_those_who_look(watched, post, layer):
    post(7.0, series="garden.wind")
    work(layer)
    (frame,) = watched.frames()
    assert frame["type"] == "dashboard"
    assert [chart["name"] for chart in frame["charts"]] == ["soil", "wind"]


def test_series_that_are_not_there_are_no_trouble(database, layer):
    assert broadcasting.broadcast(["gone.series"]) == {}
