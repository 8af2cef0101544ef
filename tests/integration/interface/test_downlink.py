"""What becomes of what an interface server has taken when it ends."""

import threading

import pytest

from relay.downlink import Downlink

CHANNEL = "daphne.response.x!"


@pytest.fixture
def downlink(make_layer, running_reactor):
    """A function that starts one; returns it and its layer."""

    def start(deliver):
        layer = make_layer()
        thread = Downlink(layer, CHANNEL, deliver)
        thread.start()
        return thread, layer

    return start


def figures(layer):
    """How many messages are left, and how many of them are in somebody's hands."""
    rows = [row for row in layer.status() if row.channel == CHANNEL]
    # A sweep removes the empty channel of a process that has ended.
    return (rows[0].depth, rows[0].in_flight) if rows else (0, 0)


def test_what_was_handed_over_before_the_end_is_acknowledged(downlink):
    """Else it stayed with a thread that was gone, and a lease later was "delivered again", to nobody."""
    thread, layer = downlink(lambda deliveries: thread.stop())
    layer.send(CHANNEL + "1", {})
    thread.join(10)
    assert figures(layer) == (0, 0)


def test_what_was_not_handed_over_before_the_end_is_given_back(downlink):
    begun, stuck = threading.Event(), threading.Event()
    thread, layer = downlink(lambda deliveries: begun.set() or stuck.wait(30))
    layer.send(CHANNEL + "1", {})
    assert begun.wait(10)
    thread.stop()
    thread.join(10)
    left = figures(layer)
    stuck.set()
    assert left == (1, 0)
