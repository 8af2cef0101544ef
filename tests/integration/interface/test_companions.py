"""What an interface server runs beside itself."""

import threading

import pytest
from websockets.sync.client import connect

from relay import companions
from tests.waiting import wait_until

#: What the companions of these tests did, and what they are to do.
calls, trouble = [], []


@pytest.fixture(autouse=True)
def forget():
    calls.clear()
    trouble.clear()


def companion(url, stopping):
    calls.append((url, stopping, threading.current_thread()))
    if trouble:
        raise trouble.pop()
    stopping.wait(60)


def brief(url, stopping):
    calls.append((url, stopping, threading.current_thread()))


@pytest.fixture
def named(settings_override, monkeypatch):
    def name(*functions):
        settings_override(RELAY_COMPANIONS=["%s.%s" % (__name__, function.__name__) for function in functions])
        monkeypatch.setattr(companions, "REST", 0.05)

    return name


def test_a_companion_reaches_its_own_server_at_a_port_of_its_own(serve, named):
    named(companion)
    server = serve()
    url, stopping, thread = wait_until(lambda: calls and calls[0], "it runs")
    assert url.startswith("ws://127.0.0.1:")
    assert not url.endswith(":%d" % server.port)
    with connect(url + "/"):
        assert len(server.protocols()) == 1
    assert not stopping.is_set()
    server.stop()
    assert stopping.is_set()
    wait_until(lambda: not thread.is_alive(), "it ends with its server")
    with pytest.raises(OSError, match="refused"):
        connect(url + "/")


def test_one_that_fails_is_started_again_and_harms_nobody(serve, named, caplog):
    named(companion)
    trouble.extend([ZeroDivisionError(), ConnectionError()])
    server = serve()
    wait_until(lambda: len(calls) == 3, "it is there at last")
    assert caplog.text.count("test_companions.companion failed; it is started again") == 2
    with server.socket():
        pass


def test_one_that_returns_has_nothing_more_to_do(serve, named):
    named(brief, companion)
    serve()
    wait_until(lambda: len(calls) == 2, "both run")
    wait_until(lambda: sum(thread.is_alive() for _, _, thread in calls) == 1, "one has ended")
    assert len(calls) == 2


def test_one_that_does_not_exist_is_named(serve, settings_override, caplog):
    settings_override(RELAY_COMPANIONS=["nowhere.nothing"])
    server = serve()
    wait_until(lambda: "The companion nowhere.nothing failed" in caplog.text, "the log says so")
    with server.socket():
        pass


def test_without_any_there_is_no_other_port(serve, settings_override):
    settings_override(RELAY_COMPANIONS=[])
    assert serve().server.companions.port is None
