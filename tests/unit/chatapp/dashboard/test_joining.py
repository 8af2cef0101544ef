import json

import pytest

from chatapp.dashboard import broadcasting
from chatapp.dashboard.models import Series
from chatapp.logins import close_sockets
from chatapp.models import Presence
from tests.chat import Socket, work
from tests.unit.chatapp.dashboard import ON_BOTH


@pytest.fixture
def points(post, layer):
    """Three points that were sent to browsers."""
    post(1, 2, 3)
    work(layer)


def kinds(frames):
    return [frame["type"] for frame in frames]


def test_who_comes_gets_the_charts_and_then_the_window(look, points):
    socket = look()
    accept, *contents = socket.contents()
    assert accept == {"accept": True}
    charts, window = (json.loads(content["text"]) for content in contents)
    assert charts["charts"][0]["lines"] == [{"series": "garden.soil", "label": "Soil"}]
    assert (charts["window"], charts["heartbeat"]) == (900, 5)
    assert (window["after"], window["upto"], window["count"]) == (0, 3, 3)


def test_a_dashboard_without_points_lets_in_who_waits_for_the_first(look, database):
    (frame,) = look().frames()
    assert (frame["type"], frame["charts"]) == ("dashboard", [])


def test_who_comes_back_gets_what_came_since(look, points):
    (window,) = look(query="since=garden.soil:2").frames("points")
    assert (window["after"], window["upto"], window["count"]) == (2, 3, 1)


def test_who_has_more_than_there_is_gets_all(look, points):
    """The series was deleted, and began anew."""
    (window,) = look(query="since=garden.soil:99").frames("points")
    assert (window["after"], window["upto"], window["count"]) == (0, 3, 3)


@ON_BOTH
def test_points_stored_but_not_sent_yet_come_once(look, points, post, layer):
    Series.objects.update(framed=0)
    post(4)
    socket = look()
    assert [(f["after"], f["upto"]) for f in socket.frames("points")] in ([(0, 3), (3, 4)], [(0, 4)])


def test_a_large_window_is_thinned(look, post, layer):
    post(*range(800))
    work(layer)
    (window,) = look().frames("points")
    assert window["count"] == 800
    assert len(window["points"]) <= broadcasting.WINDOW_POINTS


def test_a_gap_is_asked_for_and_filled(look, points):
    socket = look()
    socket.frames()
    socket.say({"type": "points", "series": "garden.soil", "since": 1})
    (frame,) = socket.frames()
    assert (frame["after"], frame["upto"], frame["count"]) == (1, 3, 2)


def test_who_asks_for_a_series_hears_it_from_then_on(look, post, layer):
    socket = look()
    post(1)
    work(layer)
    socket.say({"type": "points", "series": "garden.soil"})
    Series.objects.update(framed=0)
    post(2)
    work(layer)
    assert [(f["after"], f["upto"]) for f in socket.frames("points")] == [(0, 1), (1, 2)]


@pytest.mark.parametrize("series", ["garden.none", "house.rooms"])
def test_series_of_other_dashboards_are_not_given(look, post, layer, series):
    post(1, series="house.rooms")
    work(layer)
    socket = look()
    socket.frames()
    socket.say({"type": "points", "series": series})
    assert [frame["code"] for frame in socket.frames()] == ["no_such_series"]


def test_who_hears_of_a_series_that_it_does_not_know_asks_for_the_charts(look, points):
    socket = look()
    (first,) = socket.frames("dashboard")
    socket.say({"type": "dashboard"})
    (again,) = socket.frames()
    assert again["charts"] == first["charts"]


def test_a_ping_is_answered(look, points):
    socket = look()
    socket.frames()
    socket.say({"type": "ping"})
    (frame,) = socket.frames()
    assert (frame["type"], frame["heads"]) == ("beat", {"garden.soil": 3})


@pytest.mark.parametrize(
    ("text", "code"), [("hello", "invalid_json"), (b"x", "binary_frame"), ({"type": "history"}, "unknown_type")]
)
def test_what_is_no_frame_is_answered_and_the_socket_stays(look, database, text, code):
    socket = look()
    socket.frames()
    socket.say(text)
    (content,) = socket.contents()
    assert code in content["text"]
    assert "close" not in content


def test_keepalive_renews_and_tells_that_all_works(look, points, layer, post):
    socket = look()
    socket.frames()
    for group in ("series-garden.soil", "dashboard-garden"):
        layer.group_discard(group, socket.channel)
    before = Presence.objects.get().seen
    socket.put("websocket.keepalive")
    assert kinds(socket.frames()) == ["beat"]
    assert Presence.objects.get().seen > before
    assert socket.channel in layer.group_channels("series-garden.soil")
    assert socket.channel in layer.group_channels("dashboard-garden")


@ON_BOTH
def test_who_leaves_is_in_no_group_any_more(look, points, layer):
    socket = look()
    socket.put("websocket.disconnect")
    assert not Presence.objects.exists()
    assert layer.group_channels("series-garden.soil") == []
    assert layer.group_channels("dashboard-garden") == []
    socket.put("websocket.disconnect")


def close_of(socket):
    content = socket.contents()[-1]
    return content.get("accept"), json.loads(content["text"])["code"], content.get("close")


def test_who_may_not_look_is_told_why_before_the_socket_closes(look, database, layer, settings_override, alice):
    assert close_of(look(user=None)) == (True, "login_required", 4510)
    settings_override(CHAT_DASHBOARDS="staff")
    assert close_of(look()) == (True, "staff_only", 4511)
    alice.is_staff = True
    alice.save()
    assert kinds(look().frames()) == ["dashboard"]
    settings_override(CHAT_DASHBOARDS="everyone")
    assert kinds(look(user=None).frames()) == ["dashboard"]


@pytest.mark.parametrize(
    ("path", "query", "code", "close"),
    [
        ("/dashboard/a b/", "", "invalid_dashboard", 4512),
        ("/dashboard/a.b/", "", "invalid_dashboard", 4512),
        ("/dashboard//", "", "invalid_dashboard", 4512),
        ("/dashboard/a/b/", "", "invalid_dashboard", 4512),
        ("/dashboard/a/", "session_key=wrong", "session_invalid", 4501),
        ("/dashboard/a/", "since=a:x", "invalid_since", 4502),
        ("/dashboard/a/", b"\xff", "invalid_query", 4505),
    ],
)
def test_what_can_not_be_is_answered_with_a_code(database, layer, settings_override, path, query, code, close):
    settings_override(CHAT_DASHBOARDS="everyone")
    assert close_of(Socket(layer, path, query)) == (True, code, close)
    assert not Presence.objects.exists()


def test_who_was_refused_gets_nothing_by_asking(look, points, layer):
    socket = look(user=None)
    socket.contents()
    socket.say({"type": "points", "series": "garden.soil"})
    assert close_of(socket) == (None, "not_joined", 4001)


def test_out_means_out(look, points, alice):
    socket = look()
    socket.frames()
    close_sockets(alice.pk)
    assert close_of(socket) == (None, "logged_out", 4401)


def test_a_keepalive_finds_out_who_may_look_no_more(look, points, settings_override):
    socket = look()
    socket.frames()
    settings_override(CHAT_DASHBOARDS="staff")
    socket.put("websocket.keepalive")
    assert close_of(socket) == (None, "staff_only", 4511)
