"""What a lane has for itself of a channel that is full of another's messages (L5)."""

import itertools

import pytest

from relay.layers.policy import lane_named

FRAME, END, CONNECT = "websocket.receive", "websocket.disconnect", "websocket.connect"
CAPACITY = 20


@pytest.fixture
def layer(make_layer):
    return make_layer(capacity=CAPACITY)


@pytest.fixture
def names(layer):
    """Sockets whose lanes are on one server, where a layer has several: each server holds up to the whole capacity."""

    def server(name):
        return layer.shard_of(lane_named("reply_channel", name)) if hasattr(layer, "shard_of") else None

    found = ("web!%d" % n for n in itertools.count())
    first = next(found)
    return itertools.chain([first], (name for name in found if server(name) == server(first)))


def say(layer, name, *numbers, channel=FRAME):
    """Send these for a socket, in one call; returns those that are refused."""
    refused = layer.send_many([(channel, {"reply_channel": name, "n": n}) for n in numbers])
    return [numbers[position] for position in refused]


def fill(layer, name, channel=FRAME):
    """Fill a channel with what one socket sends."""
    assert say(layer, name, *range(CAPACITY + 5), channel=channel) == list(range(CAPACITY, CAPACITY + 5))


def test_a_lane_gets_its_share_of_a_channel_that_is_full_of_another_lanes_messages(layer, names):
    """A tenth of the capacity, in one call or one by one; the first that is refused shuts the lane for what follows."""
    busy, one, other = itertools.islice(names, 3)
    fill(layer, busy)
    assert say(layer, one, 1, 2, 3, 4) == [3, 4]
    assert [say(layer, other, n) for n in (1, 2, 3)] == [[], [], [3]]
    assert say(layer, busy, CAPACITY) == [CAPACITY], "a lane that has more than its share gets nothing"
    taken = layer.take([FRAME], 100)
    assert [delivery.content["n"] for delivery in taken if delivery.content["reply_channel"] == one] == [1, 2]


def test_a_lane_has_its_share_again_when_its_messages_are_handled(layer, names):
    busy, one = itertools.islice(names, 2)
    fill(layer, busy)
    assert say(layer, one, 1, 2, 3) == [3]
    handled = []
    while len(handled) < 2:
        taken = layer.take([FRAME], 100)
        mine = [delivery for delivery in taken if delivery.content["reply_channel"] == one]
        layer.acknowledge(mine)
        handled += mine
        layer.give_back([delivery for delivery in taken if delivery not in mine])
    assert say(layer, busy, CAPACITY) == [CAPACITY]
    assert say(layer, one, 3, 4, 5) == [5]


def test_a_channel_full_of_frames_keeps_no_disconnect_out(layer, names):
    """Not even that of the socket which filled it; that comes behind its frames."""
    busy, one = itertools.islice(names, 2)
    fill(layer, busy)
    assert say(layer, busy, 99, channel=END) == []
    assert say(layer, one, 99, channel=END) == []
    assert [delivery.content["reply_channel"] for delivery in layer.take([END], 10)] == [one]


def test_messages_without_an_order_have_no_share(layer):
    requests = [("http.request", {"reply_channel": "http!%d" % n}) for n in range(CAPACITY)]
    assert layer.send_many(requests) == []
    assert layer.send_many([("http.request", {"reply_channel": "http!other"})]) == [0]


def test_a_socket_that_wants_to_connect_has_no_share(layer, names):
    """It is refused at once, and comes back."""
    for name in itertools.islice(names, CAPACITY):
        assert say(layer, name, 0, channel=CONNECT) == []
    assert say(layer, next(names), 0, channel=CONNECT) == [0]
