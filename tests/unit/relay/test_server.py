"""The interface server's parts that need no socket. tests/acceptance has the rest."""

import types

import pytest
from twisted.internet import reactor

from relay.layers.inmemory import ChannelLayer
from relay.server import Server
from relay.ws_protocol import WebSocketProtocol


class Clock:
    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr("relay.ws_protocol.time.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def make_socket(layer, clock, channel="daphne.response.p!a", state=WebSocketProtocol.STATE_OPEN):
    socket = WebSocketProtocol.__new__(WebSocketProtocol)
    socket.channel_layer = layer
    socket.reply_channel = channel
    socket.request_info = {"path": "/chat/lobby/"}
    socket.state = state
    socket.heard = socket.kept_alive = clock.now
    socket.main_factory = types.SimpleNamespace(ping_interval=20)
    socket.autoPingPending = None
    return socket


def make_server(layer, *sockets, **options):
    server = Server(layer, endpoints=["tcp:port=0"], **options)
    server.factory = types.SimpleNamespace(
        reply_protocols={socket.reply_channel: socket for socket in sockets}, websocket_timeout=-1, timeout=120
    )
    return server


def keepalives(layer):
    found = []
    while True:
        channel, content = layer.receive(["websocket.keepalive"])
        if channel is None:
            return found
        found.append(content)


def test_an_open_socket_is_kept_alive_every_interval(clock):
    layer = ChannelLayer(capacity=10)
    server = make_server(layer, make_socket(layer, clock), keepalive_interval=20)
    for now in (1001, 1019, 1020, 1021, 1039, 1040):
        clock.now = now
        server.send_keepalives()
    expected = {"reply_channel": "daphne.response.p!a", "path": "/chat/lobby/"}
    assert keepalives(layer) == [expected, expected]


@pytest.mark.parametrize("state", [WebSocketProtocol.STATE_CONNECTING, WebSocketProtocol.STATE_CLOSING])
def test_a_socket_that_is_not_open_is_not(clock, state):
    layer = ChannelLayer(capacity=10)
    server = make_server(layer, make_socket(layer, clock, state=state), keepalive_interval=20)
    clock.now += 100
    server.send_keepalives()
    assert keepalives(layer) == []


def test_an_interval_of_nothing_sends_none(clock):
    layer = ChannelLayer(capacity=10)
    server = make_server(layer, make_socket(layer, clock), keepalive_interval=0)
    clock.now += 100
    server.send_keepalives()
    assert keepalives(layer) == []


def test_what_a_full_channel_did_not_take_is_sent_next_time(clock):
    layer = ChannelLayer(capacity=1)
    sockets = [make_socket(layer, clock, channel="daphne.response.p!%s" % name) for name in "ab"]
    server = make_server(layer, *sockets, keepalive_interval=20)
    clock.now += 20
    server.send_keepalives()
    first = keepalives(layer)
    server.send_keepalives()
    assert [content["reply_channel"][-1] for content in first + keepalives(layer)] == ["a", "b"]


class Stuck:
    """An HTTP response that began and is never finished, as when its worker was killed."""

    def __init__(self):
        self.transport = types.SimpleNamespace(loseConnection=lambda: self.cut.append(True))
        self.cut = []

    def duration(self):
        return 1000

    def basic_error(self, *args):
        raise ValueError("Got multiple Response messages")


def test_one_bad_connection_is_cut_off_and_keeps_no_other_from_its_ping(clock, monkeypatch, caplog):
    """D1: it ended pings and time-outs for all, for good."""
    again, pings = [], []
    monkeypatch.setattr(reactor, "callLater", lambda delay, function: again.append(function))
    stuck, socket = Stuck(), make_socket(ChannelLayer(), clock)
    monkeypatch.setattr(socket, "_sendAutoPing", lambda: pings.append(True))
    server = make_server(ChannelLayer(capacity=10), socket, keepalive_interval=20)
    server.factory.reply_protocols = {"stuck": stuck, **server.factory.reply_protocols}
    clock.now += 30
    server.timeout_checker()
    assert pings == [True]
    assert stuck.cut == [True]
    assert "stuck" not in server.factory.reply_protocols
    assert again == [server.timeout_checker]
    assert "The connection of stuck could not be timed out" in caplog.text


def test_a_layer_that_fails_does_not_end_the_keepalives(clock, monkeypatch, caplog):
    layer = ChannelLayer(capacity=10)
    server = make_server(layer, make_socket(layer, clock), keepalive_interval=20)
    clock.now += 20

    def fail(channel, content):
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(layer, "send", fail)
        server.send_keepalives()
    server.send_keepalives()
    assert len(keepalives(layer)) == 1


def test_a_socket_has_no_time_limit_unless_one_is_given():
    """A12: Daphne would close every socket after the layer's group_expiry."""
    layer = ChannelLayer(group_expiry=5)
    assert Server(layer, endpoints=["tcp:port=0"]).websocket_timeout == -1
    assert Server(layer, endpoints=["tcp:port=0"], websocket_timeout=7).websocket_timeout == 7


def test_without_keepalives_a_socket_ends_before_it_is_mute():
    """Its membership ends then; the client comes back and resumes."""
    assert Server(ChannelLayer(group_expiry=5), endpoints=["tcp:port=0"], keepalive_interval=0).websocket_timeout == 5


def test_an_interval_that_is_too_long_for_the_groups_is_warned_of(caplog):
    Server(ChannelLayer(group_expiry=60), endpoints=["tcp:port=0"], keepalive_interval=40)
    assert "Shorten --keepalive-interval" in caplog.text


def test_what_we_send_is_no_sign_of_life(clock, monkeypatch):
    """D6: a dead client in a busy room is pinged, and then closed."""
    socket = make_socket(ChannelLayer(), clock)
    pings = []
    monkeypatch.setattr(socket, "_sendAutoPing", lambda: pings.append(clock.now))
    monkeypatch.setattr(socket, "sendMessage", lambda *args: None)
    clock.now += 15
    socket.serverSend("a broadcast")
    clock.now += 6
    socket.check_ping()
    assert pings == [1021]


def test_a_ping_is_not_followed_by_another_before_its_answer(clock, monkeypatch):
    """D7: the second would leave the first one's timer behind, which closes a slow but living client."""
    socket = make_socket(ChannelLayer(), clock)
    pings = []

    def ping():
        pings.append(clock.now)
        socket.autoPingPending = b"waiting"

    monkeypatch.setattr(socket, "_sendAutoPing", ping)
    for _ in range(3):
        clock.now += 21
        socket.check_ping()
    assert pings == [1021]
    socket.autoPingPending = None
    socket.onPong(b"waiting")
    clock.now += 21
    socket.check_ping()
    assert pings == [1021, 1084]


def test_when_the_layer_has_lost_its_data_every_socket_is_due_within_seconds(clock):
    layer = ChannelLayer(capacity=100)
    sockets = [make_socket(layer, clock, "daphne.response.p!%d" % n) for n in range(10)]
    server = make_server(layer, *sockets, keepalive_interval=600)
    server.send_keepalives()
    assert keepalives(layer) == []
    server.hurry_keepalives()
    clock.now += 4
    server.send_keepalives()
    assert len(keepalives(layer)) == 10
    clock.now += 4
    server.send_keepalives()
    assert keepalives(layer) == [], "once is enough"
