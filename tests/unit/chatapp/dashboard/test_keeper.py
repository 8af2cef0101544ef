import time

import pytest

from chatapp.dashboard import broadcasting, storing
from chatapp.dashboard import keeper as module
from chatapp.dashboard.keeper import Keeper
from chatapp.dashboard.models import Duty, Series
from tests.chat import work


@pytest.fixture
def keeper(heard, database, settings_override):
    settings_override(CHAT_DASHBOARD_INTERVAL=2)
    return Keeper()


def heads():
    return dict(Series.objects.values_list("name", "announced"))


def test_the_figures_are_stored_and_sent(keeper, look):
    keeper.step()
    assert heads()["service.sockets"] == heads()["service.depth.chat-messages"] == 1
    socket = look("service")
    assert {frame["series"] for frame in socket.frames("points")} >= {"service.sockets", "service.workers"}


def test_of_several_keepers_one_takes_the_figures(keeper):
    other = Keeper()
    for one in (keeper, other, keeper, other):
        one.measure_at = 0
        one.step()
    assert heads()["service.sockets"] + len(keeper.due) >= 1
    assert Series.objects.get(name="service.sockets").head == 2
    assert Duty.objects.get().holder == keeper.name_of_holder


def test_when_one_dies_another_takes_over(keeper):
    keeper.step()
    Duty.objects.update(until="2000-01-01T00:00:00Z")
    other = Keeper()
    other.step()
    assert Series.objects.get(name="service.sockets").head == 2
    assert Duty.objects.get().holder == other.name_of_holder


def test_an_interval_of_0_turns_the_figures_off(keeper, settings_override):
    settings_override(CHAT_DASHBOARD_INTERVAL=0)
    keeper.step()
    assert not Series.objects.exists()


def test_frames_that_had_to_wait_are_sent_when_they_may(keeper, settings_override):
    settings_override(CHAT_DASHBOARD_INTERVAL=0)
    keeper.sweep_at = time.monotonic() + 60
    storing.store({"garden.soil": [(time.time(), 1.0)]})
    keeper.come_back({"garden.soil": 60})
    keeper.step()
    assert heads() == {"garden.soil": 0}
    keeper.due["garden.soil"] = time.monotonic()
    keeper.step()
    assert heads() == {"garden.soil": 1}
    assert keeper.due == {}


def test_what_a_dead_worker_left_is_sent(keeper, settings_override):
    settings_override(CHAT_DASHBOARD_INTERVAL=0)
    storing.store({"garden.soil": [(time.time(), 1.0)]})
    keeper.step()
    assert heads() == {"garden.soil": 1}


def test_what_fails_is_logged_once_and_again_when_it_works(keeper, heard, monkeypatch, caplog):
    caplog.set_level("WARNING")

    def fail():
        raise ConnectionError("no layer")

    with monkeypatch.context() as broken:
        broken.setattr(heard.channel_layer, "status", fail)
        for _ in range(3):
            keeper.measure_at = 0
            keeper.step()
    assert caplog.text.count("could not take the figures") == 1
    keeper.measure_at = 0
    keeper.step()
    assert "can take the figures of the service again" in caplog.text


def test_in_a_worker_the_keeper_sends_what_must_pause(heard, database, monkeypatch):
    keeper = Keeper()
    monkeypatch.setattr(module, "_keeper", keeper)
    monkeypatch.setattr(broadcasting, "PAUSE", 60.0)
    for value in (1.0, 2.0):
        storing.store_and_announce("garden.soil", [(time.time(), value)], pytest.fail)
        work(heard)
    assert heads() == {"garden.soil": 1}
    assert list(keeper.due) == ["garden.soil"]


def test_it_is_started_once_in_a_process_and_only_if_there_is_something_to_do(monkeypatch, settings_override):
    started = []
    monkeypatch.setattr(Keeper, "start", lambda keeper: started.append(keeper))
    monkeypatch.setattr(module, "_keeper", None)
    settings_override(CHAT_SWEEPER=False, CHAT_DASHBOARD_INTERVAL=0)
    module.start()
    assert started == []
    settings_override(CHAT_SWEEPER=True)
    module.start()
    module.start()
    assert len(started) == 1
