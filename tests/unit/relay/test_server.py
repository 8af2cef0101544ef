"""The interface server's parts that need no connection. tests/integration/interface has the rest."""

import subprocess
import sys
import types

import pytest

from relay.intake import Intake, Limits
from relay.layers.inmemory import ChannelLayer
from relay.metrics.sockets import SERVERS
from relay.reactor import reactor
from relay.server import Server
from relay.ws_protocol import WebSocketProtocol
from tests.databases import ROOT


class Clock:
    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr("relay.ws_protocol.time.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


class Uplink:
    """What was sent."""

    def __init__(self):
        self.full = False
        self.refused = self.unsendable = 0
        self.parcels = []
        self.send = self.parcels.append

    def keepalives(self):
        found = [parcel.content for parcel in self.parcels if parcel.channel == "websocket.keepalive"]
        self.parcels.clear()
        return found


def make_socket(clock, name="a", state=WebSocketProtocol.STATE_OPEN):
    socket = WebSocketProtocol.__new__(WebSocketProtocol)
    socket.reply_channel = "daphne.response.p!" + name
    socket.path = "/chat/lobby/"
    socket.state = state
    socket.opened = socket.heard = socket.kept_alive = clock.now
    socket.autoPingPending = None
    return socket


def make_server(*sockets, **options):
    server = Server(ChannelLayer(), endpoints=["tcp:port=0"], **options)
    server.prepare()
    server.uplink = Uplink()
    # The stub lacks figures that the metrics collect, and the server stays until it is garbage collected.
    SERVERS.servers.discard(server)
    for socket in sockets:
        socket.main_factory = server.factory
        socket.uplink = server.uplink
        server.factory.reply_protocols[socket.reply_channel] = socket
    return server


def test_an_open_socket_is_kept_alive_every_interval(clock):
    server = make_server(make_socket(clock), keepalive_interval=20)
    for now in (1001, 1019, 1020, 1021, 1039, 1040):
        clock.now = now
        server.send_keepalives()
    expected = {"reply_channel": "daphne.response.p!a", "path": "/chat/lobby/"}
    assert server.uplink.keepalives() == [expected, expected]


@pytest.mark.parametrize("state", [WebSocketProtocol.STATE_CONNECTING, WebSocketProtocol.STATE_CLOSING])
def test_a_socket_that_is_not_open_is_not(clock, state):
    server = make_server(make_socket(clock, state=state), keepalive_interval=20)
    clock.now += 100
    server.send_keepalives()
    assert server.uplink.keepalives() == []


def test_an_interval_of_nothing_sends_none(clock):
    server = make_server(make_socket(clock), keepalive_interval=0)
    clock.now += 100
    server.send_keepalives()
    assert server.uplink.keepalives() == []


def test_what_a_full_channel_did_not_take_is_sent_soon(clock):
    socket = make_socket(clock)
    server = make_server(socket, keepalive_interval=20)
    clock.now += 20
    server.send_keepalives()
    [parcel] = server.uplink.parcels
    assert len(server.uplink.keepalives()) == 1
    parcel.owner.parcel_refused(parcel)
    server.send_keepalives()
    assert server.uplink.keepalives() == []
    clock.now += 2
    server.send_keepalives()
    assert len(server.uplink.keepalives()) == 1


def test_while_the_layer_takes_nothing_no_keepalive_is_sent_and_none_forgotten(clock, caplog):
    server = make_server(make_socket(clock), keepalive_interval=20)
    clock.now += 20
    server.uplink.full = True
    server.send_keepalives()
    assert server.uplink.keepalives() == []
    server.uplink.full = False
    server.send_keepalives()
    assert len(server.uplink.keepalives()) == 1
    assert "takes nothing" in caplog.text


class Stuck:
    """A connection that can't be looked at."""

    state = None

    def check(self):
        raise ValueError("Got multiple Response messages")

    def break_off(self):
        """Not reached here: the reactor calls it."""


def test_one_bad_connection_is_cut_off_and_keeps_no_other_from_its_ping(clock, monkeypatch, caplog):
    """D1: it ended pings and time-outs for all, for good."""
    again, pings = [], []
    monkeypatch.setattr(reactor, "callLater", lambda delay, function: again.append(function))
    stuck, socket = Stuck(), make_socket(clock)
    monkeypatch.setattr(socket, "_sendAutoPing", lambda: pings.append(True))
    server = make_server(keepalive_interval=20)
    server.factory.reply_protocols["stuck"] = stuck
    socket.main_factory, socket.uplink = server.factory, server.uplink
    server.factory.reply_protocols[socket.reply_channel] = socket
    clock.now += 30
    server.timeout_checker()
    assert pings == [True]
    assert stuck.break_off in again
    assert server.timeout_checker in again
    assert "stuck could not be checked" in caplog.text


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
    socket = make_socket(clock)
    make_server(socket)
    pings = []
    monkeypatch.setattr(socket, "_sendAutoPing", lambda: pings.append(clock.now))
    monkeypatch.setattr(socket, "write", lambda data: None)
    clock.now += 15
    socket.reply({"text": "a broadcast"}, to_group=True)
    clock.now += 6
    socket.check()
    assert pings == [1021]


def test_a_ping_is_not_followed_by_another_before_its_answer(clock, monkeypatch):
    """D7: the second would leave the first one's timer behind, which closes a slow but living client."""
    socket = make_socket(clock)
    make_server(socket)
    pings = []

    def ping():
        pings.append(clock.now)
        socket.autoPingPending = b"waiting"

    monkeypatch.setattr(socket, "_sendAutoPing", ping)
    for _ in range(3):
        clock.now += 21
        socket.check()
    assert pings == [1021]
    socket.autoPingPending = None
    socket.onPong(b"waiting")
    clock.now += 21
    socket.check()
    assert pings == [1021, 1084]


def test_when_the_layer_has_lost_its_data_every_socket_is_due_within_seconds(clock):
    sockets = [make_socket(clock, str(n)) for n in range(10)]
    server = make_server(*sockets, keepalive_interval=600)
    server.send_keepalives()
    assert server.uplink.keepalives() == []
    server.hurry_keepalives()
    clock.now += 4
    server.send_keepalives()
    assert len(server.uplink.keepalives()) == 10
    clock.now += 4
    server.send_keepalives()
    assert server.uplink.keepalives() == [], "once is enough"


def test_names_of_connections_can_not_be_guessed():
    """F5"""
    one, other = make_server(), make_server()
    names = {server.factory.make_send_channel() for server in (one, one, other)}
    assert len(names) == 3
    assert len({name.split("!")[0] for name in names}) == 2
    assert all(len(name.split("!")[1]) == 16 and len(name) < 100 for name in names)


def test_a_socket_has_the_factorys_options_without_a_copy_of_them():
    factory = make_server().factory.ws_factory
    socket = factory.buildProtocol(None)
    socket.transport = types.SimpleNamespace()
    assert socket.maxMessagePayloadSize == 1024 * 1024
    assert socket.closeHandshakeTimeout == 5
    assert socket.perMessageCompressionAccept([]) is None
    assert not vars(socket).keys() & set(WebSocketProtocol.CONFIG_ATTRS)


def test_a_socket_may_send_its_burst_at_once_and_then_its_rate():
    intake = Intake(Limits(rate=10, burst=3, frames=100, bytes=1000), now=0)
    for _ in range(2):
        intake.spend(now=0)
        assert intake.wait(0) == 0
    intake.spend(now=0)
    assert intake.wait(0) == pytest.approx(0.1)
    assert intake.wait(0.1) == pytest.approx(0)
    intake.spend(now=0.1)
    assert intake.wait(0.1) == pytest.approx(0.1)
    assert intake.wait(60) == 0
    for _ in range(3):
        assert intake.wait(60) == 0
        intake.spend(now=60)
    assert intake.wait(60) > 0, "a long silence saves up no more than a burst"


def test_without_a_rate_only_what_is_on_its_way_limits_a_socket():
    intake = Intake(Limits(rate=0, burst=1, frames=2, bytes=100), now=0)
    for _ in range(5):
        intake.spend(now=0)
    intake.take(10)
    assert (intake.full, intake.wait(0)) == (False, 0)
    intake.take(10)
    assert intake.full
    intake.settle(10)
    assert not intake.full
    intake.take(90)
    assert intake.full


def test_once_a_minute_it_is_said_what_was_dropped(caplog):
    server = make_server()
    server.report(1000)
    server.fanout.late, server.factory.slow_readers = 3, 1
    server.report(1030)
    assert "In the last minute" not in caplog.text
    server.report(1061)
    assert "3 messages came for connections that were gone, 1 sockets were closed for not reading" in caplog.text
    caplog.clear()
    server.report(1200)
    assert caplog.text == ""


def test_twisteds_errors_are_logged_and_its_chatter_is_not():
    """D22: Daphne throws its whole log away, unless asked to be verbose."""
    program = (
        "import sys, logging; logging.basicConfig(level='INFO'); from relay.server import begin_logging; "
        "begin_logging(int(sys.argv[1])); from twisted.internet import defer; from twisted.logger import Logger; "
        "Logger().info('chatter'); defer.fail(ValueError('in a Deferred')); import gc; gc.collect()"
    )
    said = {}
    for verbosity in "12":
        done = subprocess.run([sys.executable, "-c", program, verbosity], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said[verbosity] = done.stderr
    assert all("ValueError: in a Deferred" in text for text in said.values())
    assert [("chatter" in said[verbosity]) for verbosity in "12"] == [False, True]
