import time

import pytest

from chatapp.dashboard import broadcasting, storing
from chatapp.dashboard.exceptions import DashboardError
from chatapp.dashboard.models import Point, Series
from tests.unit.chatapp.dashboard import ON_BOTH

pytestmark = ON_BOTH


def numbers():
    return list(Point.objects.order_by("seq").values_list("seq", flat=True))


def test_points_are_numbered_without_holes(post):
    post(1, 2, 3)
    post(4)
    assert numbers() == [1, 2, 3, 4]
    assert Series.objects.get().head == 4


def test_code_of_the_project_records_a_point_with_one_call(database, layer):
    storing.record("garden.soil", 41.5)
    storing.record("garden.soil", 42.0, at=time.time() - 5)
    assert list(Point.objects.order_by("seq").values_list("value", flat=True)) == [41.5, 42.0]


def test_a_recorded_point_is_stored_though_no_layer_is_there(database, layer, monkeypatch, caplog):
    def fail(*args):
        raise ConnectionError("no layer")

    monkeypatch.setattr(layer.channel_layer, "send", fail)
    storing.record("garden.soil", 1.0)
    assert numbers() == [1]
    assert "no worker could be told" in caplog.text


def test_a_name_that_can_not_be_is_refused(database, layer):
    with pytest.raises(DashboardError):
        storing.record("a b", 1.0)


def test_points_beyond_the_window_are_forgotten_now_and_then(post, settings_override):
    settings_override(CHAT_DASHBOARD_POINTS=50)
    for _ in range(5):
        post(*range(100))
        broadcasting.send_frames([Series.objects.get().pk])
        Series.objects.update(framed=0)
    # 500 were stored; at most 50, and what came since the last clean-up, is kept.
    assert numbers()[-1] == 500
    assert len(numbers()) <= 50 + storing.TRIM_EVERY


def test_old_points_are_forgotten(database, layer, monkeypatch):
    monkeypatch.setattr(storing, "TRIM_EVERY", 1)
    old = time.time() - 1000
    storing.store({"garden.soil": [(old, 1.0)]})
    broadcasting.broadcast(["garden.soil"])
    storing.store({"garden.soil": [(time.time(), 2.0)]})
    assert numbers() == [2]


def test_what_browsers_were_not_sent_is_not_forgotten(post, settings_override, monkeypatch):
    monkeypatch.setattr(storing, "TRIM_EVERY", 1)
    settings_override(CHAT_DASHBOARD_POINTS=1)
    post(1, 2, 3)
    post(4)
    assert numbers() == [1, 2, 3, 4]
