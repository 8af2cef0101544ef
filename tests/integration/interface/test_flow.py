"""Frames in and out: nobody slows another, nothing is lost, and the reactor never waits."""

import socket as sockets
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed

from relay.layers.delivery import Content, Delivery
from relay.layers.inmemory import ChannelLayer
from tests.asgiref1 import StockLayer
from tests.interface import handshake, masked, read_until
from tests.waiting import wait_until


def texts(server):
    return [message["text"] for message in server.app.messages("websocket.receive")]


class Gate(threading.Event):
    """Set: who waits at it goes on. `reached`: someone does."""

    def __init__(self):
        super().__init__()
        self.reached = threading.Event()


def slow_down(layer, monkeypatch):
    """Have the layer's sends block until the returned gate is set."""
    gate = Gate()
    send = layer._send

    def wait(outgoing):
        gate.reached.set()
        gate.wait(60)
        return send(outgoing)

    monkeypatch.setattr(layer, "_send", wait)
    return gate


def test_frames_reach_the_workers_in_their_order_whatever_is_in_them(serve):
    """D17: Daphne drops empty frames that the server sends."""
    server = serve()
    with server.socket("/a%20b/") as socket:
        for frame in ("one", b"\x00\xff", "", "zwölf", "x" * 70_000):
            socket.send(frame)
        received = server.app.wait_for("websocket.receive", 5)
        channel = received[0]["reply_channel"]
        for content in ({"text": ""}, {"bytes": b""}, {"text": "ä"}, {"bytes": b"\xff"}):
            server.layer.send(channel, content)
        assert [socket.recv(timeout=10) for _ in range(4)] == ["", b"", "ä", b"\xff"]
    assert [message.get("text", message.get("bytes")) for message in received[:4]] == ["one", b"\x00\xff", "", "zwölf"]
    assert [message["order"] for message in received] == [1, 2, 3, 4, 5]
    assert {message["path"] for message in received} == {"/a b/"}


def test_a_layer_that_stands_still_keeps_no_socket_from_its_pongs(serve, monkeypatch):
    """D15: Daphne waits for it, and with it every socket."""
    layer = ChannelLayer()
    server = serve(layer)
    with server.socket() as socket, server.socket() as other:
        gate = slow_down(layer, monkeypatch)
        for n in range(50):
            socket.send(str(n))
        assert socket.ping().wait(10)
        assert other.ping().wait(10)
        gate.set()
        server.app.wait_for("websocket.receive", 50)
    assert texts(server) == [str(n) for n in range(50)]


def test_a_socket_that_sends_more_than_the_layer_takes_waits_and_loses_nothing(serve, monkeypatch, settings_override):
    settings_override(RELAY_FRAME_RATE=0)
    layer = ChannelLayer(capacity=100_000)
    server = serve(layer)
    with server.socket() as socket, server.socket() as other:
        gate = slow_down(layer, monkeypatch)
        flood = threading.Thread(target=lambda: [socket.send(str(n)) for n in range(3000)], daemon=True)
        flood.start()
        wait_until(lambda: server.server.factory.held_back, "the flooder is not read")
        [protocol] = [each for each in server.protocols() if each.held_back]
        assert protocol.intake.frames == 64
        other.send("quiet")
        gate.set()
        flood.join(30)
        server.app.wait_for("websocket.receive", 3001)
    assert [text for text in texts(server) if text != "quiet"] == [str(n) for n in range(3000)]
    assert texts(server).index("quiet") < 200


def test_a_flooder_is_read_no_faster_than_its_rate(serve, settings_override):
    """A11: its frames would fill the queue that all share, and Daphne would close the others with 1013."""
    settings_override(RELAY_FRAME_RATE=30, RELAY_FRAME_BURST=20)
    server = serve(ChannelLayer(channel_capacity={"websocket.receive": 50}))
    with server.raw(handshake()) as connection, server.socket() as other:
        read_until(connection, b"\r\n\r\n")
        began = time.monotonic()
        connection.sendall(b"".join(masked(b"%d" % n) for n in range(100)))
        other.send("quiet")
        server.app.wait_for("websocket.receive", 101)
        assert texts(server).index("quiet") < 100
        assert time.monotonic() - began > 2.4, "80 frames beyond the burst take 2.7 s"
        assert other.ping().wait(10)
    assert [text for text in texts(server) if text != "quiet"] == [str(n) for n in range(100)]


def test_what_a_full_channel_refuses_is_sent_when_there_is_room_in_its_order(serve):
    """D12: a mass disconnect overflows the queue, and Daphne drops the rest."""
    layer = ChannelLayer(channel_capacity={"websocket.receive": 5, "websocket.disconnect": 1})
    server = serve(layer)
    enough = threading.Event()
    server.app.on["websocket.receive"] = lambda message: enough.wait(60)
    with server.socket() as one, server.socket() as two:
        for n in range(20):
            one.send("one %d" % n)
            two.send("two %d" % n)
        wait_until(lambda: server.server.uplink.courier.held, "some are refused")
    enough.set()
    server.app.wait_for("websocket.disconnect", 2)
    for name in ("one", "two"):
        assert [text for text in texts(server) if name in text] == ["%s %d" % (name, n) for n in range(20)]
    order = [(channel, message["reply_channel"]) for channel, message in server.app.seen]
    for message in server.app.messages("websocket.disconnect"):
        mine = [channel for channel, reply_channel in order if reply_channel == message["reply_channel"]]
        assert mine == ["websocket.connect", *["websocket.receive"] * 20, "websocket.disconnect"]


def test_a_mass_of_disconnects_arrives_to_the_last(serve):
    """D12"""
    server = serve(ChannelLayer(channel_capacity={"websocket.disconnect": 10}))
    connections = []
    for _ in range(150):
        connections.append(server.raw(handshake()))
    for connection in connections:
        read_until(connection, b"\r\n\r\n")
    for connection in connections:
        connection.close()
    gone = server.app.wait_for("websocket.disconnect", 150)
    assert len({message["reply_channel"] for message in gone}) == 150


def test_a_message_that_no_layer_takes_closes_its_socket_and_harms_no_other(serve, caplog):
    server = serve(ChannelLayer(message_size_limit=1000))
    with server.socket() as socket, server.socket() as other:
        socket.send("x" * 2000)
        other.send("quiet")
        server.app.wait_for("websocket.receive")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd.code == 1011
    assert texts(server) == ["quiet"]
    assert server.server.uplink.unsendable == 1
    assert "message_size_limit" in caplog.text


def test_a_layer_that_fails_for_a_while_gets_everything_once(serve, monkeypatch, caplog):
    """D14: Daphne catches nothing but ChannelFull, and leaves a socket behind that nobody knows."""
    layer = ChannelLayer()
    server = serve(layer)
    send, failures = layer._send, []

    def fail_three_times(outgoing):
        if len(failures) < 3:
            failures.append(outgoing)
            raise ConnectionError("away")
        return send(outgoing)

    with server.socket() as socket:
        monkeypatch.setattr(layer, "_send", fail_three_times)
        socket.send("one")
        socket.send("two")
    server.app.wait_for("websocket.disconnect")
    assert texts(server) == ["one", "two"]
    assert "The channel layer fails" in caplog.text


def group_of(server, count):
    """Raw sockets in one group; their bytes are read by the test."""
    connections = []
    for _ in range(count):
        connections.append(server.raw(handshake()))
        read_until(connections[-1], b"\r\n\r\n")
    for message in server.app.wait_for("websocket.connect", count):
        server.layer.group_add("room", message["reply_channel"])
    return connections


def test_a_socket_that_does_not_read_is_closed_with_1013_and_the_others_hear_all(serve, settings_override, monkeypatch):
    """D3, D11: Daphne keeps everything for it in its memory; and who is force-closed is never said to be gone."""
    settings_override(RELAY_MAX_UNSENT_BYTES=200_000)
    # However long the others take, its close is still there to be read.
    monkeypatch.setattr("relay.http_factory.CLOSING_TIME", 1000)
    server = serve(ChannelLayer(capacity=10_000))
    deaf, *others = group_of(server, 3)
    with server.socket() as reader:
        server.layer.group_add("room", server.app.wait_for("websocket.connect", 4)[3]["reply_channel"])
        heard = 0
        for _ in range(300):
            server.layer.send_group("room", {"text": "x" * 50_000})
            heard += len(reader.recv(timeout=10))
            for other in others:
                read_until_size(other, 50_004)
        assert heard == 300 * 50_000
    assert server.server.factory.slow_readers == 1
    deaf.settimeout(10)
    assert bytes([0x88, 2 + len("You read too slowly")]) + (1013).to_bytes(2, "big") in read_until(deaf, b"too slowly")
    deaf.sendall(masked((1013).to_bytes(2, "big"), opcode=8))
    assert [message["code"] for message in server.app.wait_for("websocket.disconnect", 2)] == [1000, 1013]
    for connection in (deaf, *others):
        connection.close()


def read_until_size(connection, size):
    while size:
        size -= len(connection.recv(size))


def test_messages_for_one_socket_in_one_batch_are_one_write_in_their_order(serve, monkeypatch):
    server = serve()
    [connection] = group_of(server, 1)
    [protocol] = server.protocols()
    writes = []
    monkeypatch.setattr(protocol, "write", writes.append)
    channel = protocol.reply_channel

    def deliver():
        messages = [((channel,), "a"), ((channel, "gone"), "b"), ((channel,), "c")]
        server.server.fanout.deliver([Delivery(channels, Content(text=text)) for channels, text in messages])

    server.call(deliver)
    connection.close()
    assert writes == [b"\x81\x01a\x81\x01b\x81\x01c"]
    assert server.server.fanout.late == 1


def test_what_closes_a_socket_comes_after_what_was_said_before(serve):
    server = serve()
    with server.socket() as socket:
        channel = server.app.wait_for("websocket.connect")[0]["reply_channel"]
        server.layer.send_many([(channel, {"text": "one"}), (channel, {"text": "two", "close": 4001})])
        assert [socket.recv(timeout=10), socket.recv(timeout=10)] == ["one", "two"]
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd.code == 4001


@pytest.mark.parametrize(
    ("asked", "given"), [(True, 1000), (1008, 1008), (1012, 1012), (4999, 4999), (1006, 1011), (7, 1011)]
)
def test_a_socket_is_closed_with_the_code_that_is_asked_for(serve, asked, given):
    """D10: Autobahn takes few codes, and leaves the socket open otherwise."""
    server = serve()
    with server.socket() as socket:
        server.layer.send(server.app.wait_for("websocket.connect")[0]["reply_channel"], {"close": asked})
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd.code == given


def test_a_bad_reply_ends_its_socket_only(serve, caplog):
    server = serve()
    with server.socket() as socket, server.socket() as other:
        first, second = (message["reply_channel"] for message in server.app.wait_for("websocket.connect", 2))
        server.layer.send_many([(first, {"text": "a", "nonsense": 1}), (second, {"text": "hello"})])
        assert other.recv(timeout=10) == "hello"
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd.code == 1011
    assert "nonsense" in caplog.text


def test_what_comes_for_a_socket_that_is_gone_is_counted(serve):
    """D18: Daphne logs an error for each."""
    server = serve()
    with server.socket():
        channel = server.app.wait_for("websocket.connect")[0]["reply_channel"]
    server.app.wait_for("websocket.disconnect")
    server.layer.send(channel, {"text": "too late"})
    wait_until(lambda: server.server.fanout.late == 1, "it is counted")


def test_a_client_that_vanishes_is_pinged_and_then_its_end_is_told(serve):
    """D6: in a busy room Daphne takes what it sends for a sign of life."""
    server = serve(ping_interval=1, ping_timeout=1)
    connection = server.raw(handshake())
    read_until(connection, b"\r\n\r\n")
    assert b"\x89" in read_until(connection, b"\x89"), "a ping"
    connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_KEEPALIVE, 0)
    assert server.app.wait_for("websocket.disconnect")[0]["code"] == 1006
    connection.close()


def test_a_client_that_answered_while_the_server_stood_still_is_not_taken_for_dead(serve):
    """Its pong lies there, but the time for it is over before the server looks at its sockets."""
    server = serve(ping_interval=1, ping_timeout=1)
    with server.raw(handshake()) as connection:
        read_until(connection, b"\r\n\r\n")
        assert connection.recv(14, sockets.MSG_WAITALL).startswith(b"\x89\x0c")
        [protocol] = server.protocols()

        def stand_still():
            connection.sendall(masked(protocol.autoPingPending, opcode=10))
            threading.Event().wait(3)  # This is the trouble, not a wait for something.

        server.call(stand_still)
        assert connection.recv(14, sockets.MSG_WAITALL).startswith(b"\x89\x0c"), "the next ping"


def test_a_flooder_that_is_not_read_is_not_taken_for_dead(serve, settings_override):
    settings_override(RELAY_FRAME_RATE=10, RELAY_FRAME_BURST=1)
    server = serve(ping_interval=1, ping_timeout=1)
    with server.raw(handshake()) as connection:
        read_until(connection, b"\r\n\r\n")
        connection.sendall(b"".join(masked(b"%d" % n) for n in range(60)))
        server.app.wait_for("websocket.receive", 60)
    assert texts(server) == [str(n) for n in range(60)]


@pytest.mark.parametrize("attack", [b"\x89\xff" + (2**40).to_bytes(8, "big") + bytes(4), b"\xf1\x85" + bytes(4)])
def test_what_is_no_websocket_any_more_is_not_kept(serve, attack):
    """D4: Autobahn goes on and keeps what it takes for a frame, however long it says that it is."""
    server = serve()
    with server.raw(handshake()) as connection:
        read_until(connection, b"\r\n\r\n")
        [protocol] = server.protocols()
        connection.sendall(attack)
        assert b"\x88" in connection.recv(100)
        connection.sendall(bytes(10_000_000))
        wait_until(lambda: protocol.garbled, "it is seen")
        assert len(protocol.data) < 1_000_000
        assert sum(map(len, getattr(protocol, "control_frame_data", None) or [])) < 1_000_000
        assert server.app.messages("websocket.receive") == []


def test_one_who_pings_and_does_not_read_gets_no_pongs_piled_up(serve, settings_override):
    """D3"""
    settings_override(RELAY_MAX_UNSENT_BYTES=100_000, RELAY_FRAME_RATE=0)
    server = serve()
    with server.raw(handshake()) as connection:
        read_until(connection, b"\r\n\r\n")
        [protocol] = server.protocols()
        pings = masked(bytes(125), opcode=9) * 1000
        wait_until(lambda: connection.sendall(pings) or protocol.clogged, "the answers pile up")
        for _ in range(20):
            connection.sendall(pings)
        with server.socket() as other:
            assert other.ping().wait(10)
        assert protocol.unsent() < 200_000


def test_pings_and_parts_of_messages_count_as_frames(serve, settings_override):
    settings_override(RELAY_FRAME_RATE=10, RELAY_FRAME_BURST=5)
    server = serve()
    with server.raw(handshake()) as connection:
        read_until(connection, b"\r\n\r\n")
        [protocol] = server.protocols()
        connection.sendall(masked(b"", opcode=9) * 10)
        wait_until(lambda: server.server.factory.held_back, "it is not read for a while")
        wait_until(lambda: not protocol.held_back, "it is read again")
    server.app.wait_for("websocket.disconnect")


def test_a_message_in_countless_parts_is_too_large(serve, settings_override):
    settings_override(RELAY_FRAME_RATE=0)
    server = serve()
    with server.raw(handshake()) as connection:
        read_until(connection, b"\r\n\r\n")
        connection.sendall(b"\x01\x81" + bytes(4) + b"x" + (b"\x00\x80" + bytes(4)) * 3000)
        assert (1009).to_bytes(2, "big") in read_until(connection, b"parts")
    assert server.app.messages("websocket.receive") == []


def test_a_socket_that_could_not_even_ask_is_not_heard_of_when_it_leaves(serve, monkeypatch):
    """C12: its disconnect is already behind its connect when that is refused."""
    layer = ChannelLayer(channel_capacity={"websocket.connect": 0})
    server = serve(layer)
    gate = slow_down(layer, monkeypatch)
    with server.raw(handshake()):
        wait_until(server.protocols, "it has come")
    wait_until(lambda: not server.protocols(), "it is gone")
    gate.set()
    wait_until(lambda: server.server.uplink.bytes == 0, "all is settled")
    assert server.app.messages("websocket.disconnect") == []


def test_a_request_whose_client_has_left_is_not_executed(serve, monkeypatch):
    """E2: with Daphne it is, also if the client got 503 and asks again."""
    server = serve()
    gate = slow_down(server.layer, monkeypatch)
    with server.raw(handshake()):
        assert gate.reached.wait(20), "the handshake is being sent, and what comes now waits behind it"
        with server.raw(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"):
            wait_until(lambda: len(server.protocols()) == 2, "both have come")
        wait_until(lambda: len(server.protocols()) == 1, "one has left")
        gate.set()
        server.app.wait_for("websocket.connect")
        wait_until(lambda: server.server.uplink.bytes == 0, "all is settled")
    assert not server.app.messages("http.request") + server.app.messages("http.disconnect")


def test_much_to_read_at_once_is_no_reason_to_close_one_who_reads(serve, settings_override):
    settings_override(RELAY_MAX_UNSENT_BYTES=500_000)
    server = serve(ChannelLayer(capacity=10_000))
    with server.socket() as socket:
        channel = server.app.wait_for("websocket.connect")[0]["reply_channel"]
        server.layer.send_many([(channel, {"text": "x" * 60_000}) for _ in range(30)])
        assert sum(len(socket.recv(timeout=10)) for _ in range(30)) == 1_800_000
        assert socket.ping().wait(10)
    assert server.server.factory.slow_readers == 0


def test_a_connection_that_fails_while_it_is_ended_keeps_no_other_from_its_messages(serve, monkeypatch, caplog):
    server = serve()
    with server.socket(), server.socket() as other:
        first, second = (message["reply_channel"] for message in server.app.wait_for("websocket.connect", 2))
        [bad] = [protocol for protocol in server.protocols() if protocol.reply_channel == first]
        monkeypatch.setattr(bad, "fail", lambda: 1 / 0)
        server.layer.send_many([(first, {"nonsense": 1, "text": ""}), (second, {"text": "hello"})])
        assert other.recv(timeout=10) == "hello"
    assert "could not be ended" in caplog.text


def test_a_layer_without_leases_works_as_well(serve):
    """asgiref's own: no batches, no waiting, no word about groups."""
    server = serve(StockLayer())
    with server.socket() as socket:
        socket.send("hello")
        message = server.app.wait_for("websocket.receive")[0]
        server.layer.group_add("all", message["reply_channel"])
        server.layer.send_group("all", {"text": "hi"})
        assert socket.recv(timeout=10) == "hi"
    server.app.wait_for("websocket.disconnect")
    server.app.on["websocket.connect"] = lambda message: server.app.reply(message, accept=False)
    assert read_until(server.raw(handshake()), b"\r\n\r\n").startswith(b"HTTP/1.1 403")
