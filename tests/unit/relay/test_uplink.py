"""The way from the reactor to the layer. Sockets that use it are in tests/integration/interface/test_flow.py."""

import math

import pytest

from relay.layers.inmemory import ChannelLayer
from relay.reactor import reactor
from relay.uplink import Parcel, Uplink


class Owner:
    def __init__(self, name="a", wanted=True):
        self.name = name
        self.wanted = wanted
        self.told = []

    def wants(self, parcel):
        return self.wanted

    def parcel_sent(self, parcel):
        self.told.append(("sent", parcel.content["n"]))

    def parcel_refused(self, parcel):
        self.told.append(("refused", parcel.content["n"]))


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """What is to be done in the reactor's thread is done now."""
    monkeypatch.setattr(reactor, "callFromThread", lambda function, *args: function(*args))


def make(limit=10**9, **options):
    layer = ChannelLayer(**options)
    uplink = Uplink(layer, limit)
    return layer, uplink, uplink.courier


def parcel(n, owner, channel="websocket.receive", waits=True, **more):
    return Parcel(channel, {"reply_channel": "p!" + owner.name, "n": n, **more}, owner, waits)


def received(layer, *channels):
    found = []
    while (message := layer.receive(channels or ["websocket.receive"])[1]) is not None:
        found.append(message["n"])
    return found


def test_not_one_of_many_parcels_is_forgotten():
    _, uplink, courier = make()
    owner = Owner()
    for n in range(10_001):
        uplink.send(parcel(n, owner))
    uplink.close()
    found = []
    while not courier.closing:
        found += [each.content["n"] for each in courier.gather()]
    assert found == list(range(10_001))


def test_everything_is_paid_back(monkeypatch):
    _, uplink, courier = make(channel_capacity={"websocket.receive": 3, "websocket.keepalive": 0})
    good, gone = Owner("good"), Owner("gone", wanted=False)
    for each in [*(parcel(n, good) for n in range(5)), parcel(5, gone), parcel(6, good, "websocket.keepalive", False)]:
        uplink.send(each)
    uplink.send(parcel(7, Owner("bad"), bad=object()))
    courier.work(courier.gather())
    assert uplink.bytes == 2 * 500, "two wait for room"
    assert good.told == [("sent", 0), ("sent", 1), ("sent", 2), ("refused", 6)]
    assert gone.told == [("refused", 5)]
    assert (uplink.refused, uplink.unsendable) == (1, 1)


def test_an_owner_that_fails_keeps_no_other_from_its_news(caplog):
    layer, _, courier = make()
    bad, good = Owner("bad"), Owner("good")
    bad.parcel_sent = lambda each: 1 / 0
    courier.work([parcel(0, bad), parcel(1, good)])
    assert good.told == [("sent", 1)]
    assert received(layer) == [0, 1]
    assert "could not be told" in caplog.text


def test_a_full_channel_holds_up_no_other():
    """What an owner sends after a refused message is refused too, but that does not make its channel a full one."""
    layer, _, courier = make(channel_capacity={"websocket.receive": 0})
    one, other = Owner("one"), Owner("other")
    courier.work([parcel(0, one), parcel(1, one, "websocket.disconnect"), parcel(2, other, "websocket.disconnect")])
    assert received(layer, "websocket.disconnect") == [2]
    assert courier.shut == {"websocket.receive"}
    courier.work([parcel(3, one), parcel(4, other, "websocket.disconnect")])
    assert received(layer, "websocket.disconnect") == [4]
    assert [each.content["n"] for each in courier.held] == [0, 1, 3]


def test_what_waited_goes_first_and_what_came_after_it_stays_behind():
    layer, _, courier = make(channel_capacity={"websocket.receive": 2})
    owner = Owner()
    courier.work([parcel(n, owner) for n in range(4)])
    assert received(layer) == [0, 1]
    courier.retry_at = math.inf
    courier.work([parcel(4, owner)])
    assert received(layer) == [], "it is not time yet"
    for _ in range(3):
        courier.retry_at = 0.0
        courier.work([])
    assert received(layer) == [2, 3]
    courier.retry_at = 0.0
    courier.work([])
    assert received(layer) == [4]
    assert not courier.held


def test_who_waits_for_room_is_told_when_half_of_it_is_free():
    _, uplink, courier = make(limit=2000)
    waiting, bad = Owner(), Owner("bad")
    waiting.go_on = lambda: waiting.told.append("go on")
    bad.go_on = lambda: 1 / 0
    for n in range(4):
        uplink.send(parcel(n, Owner()))
    assert uplink.full
    uplink.wait_for_room(bad)
    uplink.wait_for_room(waiting)
    parcels = courier.gather()
    courier.work(parcels[:1])
    assert waiting.told == []
    courier.work(parcels[1:])
    assert waiting.told == ["go on"]


def test_a_round_that_fails_does_not_end_the_courier(monkeypatch, caplog):
    layer, uplink, courier = make()
    work, failed = courier.work, []

    def fail_once(parcels):
        if not failed:
            failed.append(parcels)
            raise KeyError("never foreseen")
        work(parcels)

    monkeypatch.setattr(courier, "work", fail_once)
    monkeypatch.setattr(uplink, "flushed", type("Fired", (), {"callback": lambda self, value: None})())
    uplink.send(parcel(0, Owner()))
    gather = courier.gather

    def gather_and_close():
        found = gather()
        uplink.send(parcel(1, Owner()))
        uplink.close()
        return found

    monkeypatch.setattr(courier, "gather", gather_and_close)
    courier.run()
    assert received(layer) == [1]
    assert "never foreseen" in caplog.text
